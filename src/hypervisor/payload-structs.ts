import { structPayloadOf } from '../arch/index.ts';
import { type Address, addOffset, assert, type CStruct, ensure, fromLatin1, setWord, viewOf } from '../base/index.ts';
import {
  HOOK_SECTIONS,
  LIVEPATCH_FSTATE,
  LIVEPATCH_OPAQUE_SIZE,
  LIVEPATCH_STATE_APPLIED,
  LIVEPATCH_STATE_CHECKED,
  livepatchFunc,
  livepatchSymbol,
  offsetIn,
} from '../xen/index.ts';
import type { SharedPayloads } from './code-port.ts';
import type { Hypervisor } from './hypervisor.ts';
import type { LoadedPayload } from './payload.ts';
import { StructWriter } from './struct-writer.ts';
import type { XenHeap } from './xen-heap.ts';

/** One payload's structures in the host's memory. */
interface Lent {
  readonly struct: Address;
  /** `struct livepatch_fstate` of its functions; 0 in releases that keep the state elsewhere. */
  readonly fstate: Address;
  /** All allocations for it. */
  readonly held: readonly Address[];
}

/** List heads in the image; builds differ in the name of the file. */
const HEADS = {
  list: ['common/livepatch.c#payload_list', 'livepatch.c#payload_list'],
  applied_list: ['common/livepatch.c#applied_list', 'livepatch.c#applied_list'],
} as const;

/** Members of `struct livepatch_hooks` by kind of hook. */
const HOOK_MEMBERS: Readonly<Record<string, string>> = {
  preapply: 'hooks.apply.pre',
  apply: 'hooks.apply.action',
  postapply: 'hooks.apply.post',
  prerevert: 'hooks.revert.pre',
  revert: 'hooks.revert.action',
  postrevert: 'hooks.revert.post',
};

/**
 * `struct payload` in the host's memory, for code that gets a pointer to one. The simulator keeps its own record of a payload elsewhere: it
 * writes the structure before code runs and reads changes back afterwards.
 */
export class PayloadStructs implements SharedPayloads {
  readonly #hv: Hypervisor;
  readonly #heap: XenHeap;
  readonly #lent = new Map<LoadedPayload, Lent>();
  #layout: CStruct | undefined;

  constructor(hv: Hypervisor, heap: XenHeap) {
    this.#hv = hv;
    this.#heap = heap;
  }

  addressOf(payload: LoadedPayload): Address {
    for (const each of this.#hv.payloads) if (!this.#lent.has(each)) this.#lent.set(each, this.#allocate(each));
    this.#write();
    return ensure(this.#lent.get(payload), 'a loaded payload').struct;
  }

  payloadAt(address: Address): LoadedPayload | undefined {
    for (const [payload, { struct }] of this.#lent) if (struct === address) return payload;
    return undefined;
  }

  lend<T>(run: () => T): T {
    // What was written for an earlier hook is out of date by now.
    if (this.#lent.size > 0) this.#write();
    const result = run();
    this.#readBack();
    return result;
  }

  takeBack<T>(work: () => T): T {
    this.#readBack();
    const result = work();
    this.#write();
    return result;
  }

  forget(payload: LoadedPayload): void {
    const lent = this.#lent.get(payload);
    if (lent === undefined) return;
    this.#lent.delete(payload);
    for (const address of lent.held) this.#heap.free(address);
    this.#write();
  }

  stateLayout(func: Address, size: number, fstate: () => Address) {
    const { release, arch } = this.#hv;
    if (!release.stateInPayload) {
      const { patch_offset: patchOffset, applied, insn_buffer: opaque } = LIVEPATCH_FSTATE.at;
      assert(opaque !== undefined, 'the buffer has a place');
      return { address: fstate(), stride: LIVEPATCH_FSTATE.size, offsets: { opaque, applied, patchOffset } };
    }
    const { at } = livepatchFunc(release.funcLayout, arch.elf.pointerSize);
    const offsets = { opaque: ensure(at.opaque, 'a place'), applied: at.applied, patchOffset: at.patchOffset };
    return { address: func, stride: size, offsets };
  }

  get #struct(): CStruct {
    this.#layout ??= structPayloadOf(this.#hv.arch, this.#hv.release);
    return this.#layout;
  }

  #allocate(payload: LoadedPayload): Lent {
    const held: Address[] = [];
    const allocate = (size: number): Address => {
      const address = this.#heap.allocate(size);
      if (address !== 0n) held.push(address);
      return address;
    };
    const struct = allocate(this.#struct.size);
    const fstate = this.#hv.release.stateInPayload ? 0n : allocate(payload.funcs.count * LIVEPATCH_FSTATE.size);
    const writer = new StructWriter(this.#hv.machine.space, struct, this.#struct);
    writer.clear();
    writer.bytes('name', fromLatin1(payload.name));
    this.#writeSymbols(writer, payload, allocate);
    for (const [member, id] of [
      ['id', payload.buildId],
      ['dep', payload.dep],
      ['xen_dep', payload.xenDep],
    ] as const) {
      if (id === null || id.length === 0 || !writer.has(`${member}.p`)) continue;
      const copy = allocate(id.length);
      this.#hv.machine.space.write(copy, id);
      writer.set(`${member}.p`, copy);
      writer.set(`${member}.len`, id.length);
    }
    return { struct, fstate, held };
  }

  #writeSymbols(writer: StructWriter, payload: LoadedPayload, allocate: (size: number) => Address): void {
    const names = payload.symtab.map(({ name }) => fromLatin1(`${name}\0`));
    const strtab = allocate(names.reduce((sum, { length }) => sum + length, 0));
    const symbolLayout = livepatchSymbol(this.#hv.arch.elf.pointerSize);
    const symtab = allocate(payload.symtab.length * symbolLayout.size);
    let at = strtab;
    for (const [i, symbol] of payload.symtab.entries()) {
      const name = names[i] as Uint8Array;
      this.#hv.machine.space.write(at, name);
      const entry = new StructWriter(this.#hv.machine.space, addOffset(symtab, i * symbolLayout.size), symbolLayout);
      entry.clear();
      entry.set('name', at);
      entry.set('value', symbol.value);
      entry.set('size', symbol.size);
      entry.set('new_symbol', symbol.newSymbol ? 1 : 0);
      at = addOffset(at, name.length);
    }
    writer.set('symtab', symtab);
    writer.set('strtab', strtab);
    writer.set('nsyms', payload.symtab.length);
  }

  /** Writes everything that may have changed. */
  #write(): void {
    for (const [payload, lent] of this.#lent) this.#writePayload(payload, lent);
    this.#link('list', this.#hv.payloads);
    this.#link('applied_list', this.#hv.applied);
  }

  #writePayload(payload: LoadedPayload, { struct, fstate }: Lent): void {
    const writer = new StructWriter(this.#hv.machine.space, struct, this.#struct);
    writer.set('state', payload.state === 'APPLIED' ? LIVEPATCH_STATE_APPLIED : LIVEPATCH_STATE_CHECKED);
    writer.set('rc', payload.rc);
    writer.set('reverted', payload.reverted ? 1 : 0);
    writer.set('safe_to_reapply', payload.safeToReapply ? 1 : 0);
    for (const kind of ['text', 'rw', 'ro'] as const) {
      writer.set(`${kind}_addr`, payload[kind].addr);
      writer.set(`${kind}_size`, payload[kind].size);
    }
    writer.set('pages', payload.pages);
    writer.set('funcs', payload.funcs.addr);
    writer.set('nfuncs', payload.funcs.count);
    this.#writeRegion(writer, payload);
    this.#writeHooks(writer, payload);
    if (payload.metadata.size > 0) {
      writer.set('metadata.data', payload.metadata.addr);
      writer.set('metadata.len', payload.metadata.size);
    }
    if (fstate === 0n) return;
    writer.set('fstate', fstate);
    for (let i = 0; i < payload.fstate.length; i++) {
      const state = payload.fstate.at(i);
      const entry = new StructWriter(
        this.#hv.machine.space,
        addOffset(fstate, i * LIVEPATCH_FSTATE.size),
        LIVEPATCH_FSTATE,
      );
      entry.set('patch_offset', state.patchOffset);
      entry.set('applied', state.applied);
      entry.bytes('insn_buffer', state.savedInsns(LIVEPATCH_OPAQUE_SIZE));
    }
  }

  #writeRegion(writer: StructWriter, { region, trapTables }: LoadedPayload): void {
    writer.set('region.text_start', region.textStart);
    writer.set('region.text_end', region.textEnd);
    if (writer.has('region.rodata_start')) {
      writer.set('region.rodata_start', region.rodataStart);
      writer.set('region.rodata_end', region.rodataEnd);
    }
    for (const [i, range] of trapTables.bugFrames.entries()) {
      if (range === undefined) continue;
      const frame = `region.frame[${i}]`;
      const bounds = writer.has(`${frame}.start`);
      writer.set(bounds ? `${frame}.start` : `${frame}.bugs`, range.start);
      const count = Number(range.end - range.start) / this.#hv.arch.bugFrames.size;
      writer.set(bounds ? `${frame}.stop` : `${frame}.n_bugs`, bounds ? range.end : count);
    }
    if (trapTables.exTable === null) return;
    writer.set('region.ex', trapTables.exTable.start);
    writer.set('region.ex_end', trapTables.exTable.end);
  }

  #writeHooks(writer: StructWriter, { hooks }: LoadedPayload): void {
    for (const { kind } of HOOK_SECTIONS) {
      const section = hooks.get(kind);
      if (section === undefined) continue;
      const member = HOOK_MEMBERS[kind];
      if (member === undefined) {
        writer.set(`${kind}_funcs`, section.addr);
        writer.set(`n_${kind}_funcs`, section.count);
      } else if (writer.has(member)) writer.set(member, section.addr);
    }
  }

  /** Links payloads in this order into the list whose head is in the image. */
  #link(member: keyof typeof HEADS, payloads: readonly LoadedPayload[]): void {
    const head = HEADS[member].map((name) => this.#hv.symbols.byName(name)).find((address) => address !== 0n);
    if (head === undefined) return;
    const { space } = this.#hv.machine;
    const { pointerSize } = this.#hv.arch.elf;
    const offset = offsetIn(this.#struct, `${member}.next`);
    const nodes = payloads
      .map((payload) => this.#lent.get(payload))
      .filter((lent) => lent !== undefined)
      .map(({ struct }) => addOffset(struct, offset));
    const ring = [head, ...nodes];
    for (const [i, node] of ring.entries()) {
      const links = new DataView(new ArrayBuffer(2 * pointerSize));
      setWord(links, 0, pointerSize, ring[(i + 1) % ring.length] as Address);
      setWord(links, pointerSize, pointerSize, ring[(i + ring.length - 1) % ring.length] as Address);
      space.write(node, new Uint8Array(links.buffer));
    }
  }

  /** Copies the code's changes into the records. */
  #readBack(): void {
    const { space } = this.#hv.machine;
    for (const [payload, { struct, fstate }] of this.#lent) {
      const view = viewOf(space.read(struct, this.#struct.size));
      payload.rc = view.getInt32(offsetIn(this.#struct, 'rc'), true);
      payload.reverted = view.getUint8(offsetIn(this.#struct, 'reverted')) !== 0;
      payload.safeToReapply = view.getUint8(offsetIn(this.#struct, 'safe_to_reapply')) !== 0;
      if (fstate === 0n || payload.fstate.length === 0) continue;
      const { size } = LIVEPATCH_FSTATE;
      const states = space.read(fstate, payload.fstate.length * size);
      for (let i = 0; i < payload.fstate.length; i++) {
        const state = payload.fstate.at(i);
        const entry = viewOf(states.subarray(i * size, (i + 1) * size));
        state.patchOffset = entry.getUint32(offsetIn(LIVEPATCH_FSTATE, 'patch_offset'), true);
        state.applied = entry.getUint32(offsetIn(LIVEPATCH_FSTATE, 'applied'), true);
        const insns = i * size + offsetIn(LIVEPATCH_FSTATE, 'insn_buffer');
        state.saveInsns(states.subarray(insns, insns + LIVEPATCH_OPAQUE_SIZE));
      }
    }
  }
}

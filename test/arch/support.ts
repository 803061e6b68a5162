import {
  type AlternativesHost,
  addNops,
  type FunctionState,
  type PatchContext,
  type PatchedFunction,
  type RelativeMemory,
} from '../../src/arch/index.ts';
import { type Address, fromHex, viewOf } from '../../src/base/index.ts';
import { RELEASES, type Release } from '../../src/xen/index.ts';

export function release(version: string): Release {
  const found = RELEASES.find((row) => row.version === version);
  if (found === undefined) throw new Error(`no release ${version}`);
  return found;
}

export function bytes(text: string): Uint8Array {
  const found = fromHex(text);
  if (found === undefined) throw new Error(`not hex: ${text}`);
  return found;
}

/** Memory at `base`; every access outside it throws. */
export class FlatMemory implements RelativeMemory {
  readonly base: Address;
  readonly bytes: Uint8Array;

  constructor(base: Address, size: number) {
    this.base = base;
    this.bytes = new Uint8Array(size);
  }

  #check(offset: number, length: number): void {
    if (offset < 0 || offset + length > this.bytes.length) throw new RangeError(`outside: ${offset}+${length}`);
  }

  read(offset: number, length: number): Uint8Array {
    this.#check(offset, length);
    return this.bytes.slice(offset, offset + length);
  }

  copy(offset: number, length: number, to: Uint8Array): void {
    to.set(this.read(offset, length));
  }

  readI32(offset: number): number {
    this.#check(offset, 4);
    return viewOf(this.bytes).getInt32(offset, true);
  }

  write(offset: number, data: Uint8Array): void {
    this.#check(offset, data.length);
    this.bytes.set(data, offset);
  }
}

/** Thrown by the test doubles when the host would die. */
export class Stopped extends Error {}

/** Makes a context for verifyFunc, apply and revert on this memory. */
export function patchContext(version: string, memory: FlatMemory, nops: 'P6' | 'K8' = 'P6'): PatchContext {
  return {
    memory: {
      read: (address, length) => memory.read(Number(address - memory.base), length),
      write: (address, data) => memory.write(Number(address - memory.base), data),
    },
    release: release(version),
    nops: (length) => addNops(nops, length),
    textAlias: () => {
      throw new Stopped('x86 has no second mapping of its text');
    },
    cleanDataCache: () => {
      throw new Stopped('x86 cleans no caches');
    },
    within: (_name, body) => body(),
    log: (_level, text) => {
      throw new Stopped(text);
    },
    assertionFails: (where, condition) => {
      throw new Stopped(`${where}: ${condition}`);
    },
    reset: (reason) => {
      throw new Stopped(reason);
    },
  };
}

export function functionState(): FunctionState {
  let insns = new Uint8Array(0);
  return {
    patchOffset: 0xaa,
    applied: 0,
    saveInsns(saved) {
      insns = saved.slice();
    },
    savedInsns: (length) => insns.subarray(0, length),
  };
}

export const func = (fields: Partial<PatchedFunction>): PatchedFunction => ({
  newAddr: 0xffff_82d0_4080_9000n,
  oldAddr: 0xffff_82d0_4022_1000n,
  newSize: 16,
  oldSize: 16,
  ...fields,
});

export interface Alternative {
  /** Offsets in the memory. */
  readonly orig: number;
  readonly repl: number;
  readonly cpuid: number;
  readonly origLength: number;
  readonly replLength: number;
  readonly padLength?: number;
  readonly priv?: number;
}

export const ALT_SIZE = 14;

/** Writes consecutive `struct alt_instr` entries; returns the offset after the last. Source: xen/arch/x86/include/asm/alternative.h. */
export function writeAlternatives(memory: FlatMemory, at: number, entries: readonly Alternative[]): number {
  const view = viewOf(memory.bytes);
  entries.forEach((entry, i) => {
    const a = at + ALT_SIZE * i;
    view.setInt32(a, entry.orig - a, true);
    view.setInt32(a + 4, entry.repl - (a + 4), true);
    view.setUint16(a + 8, entry.cpuid, true);
    view.setUint8(a + 10, entry.origLength);
    view.setUint8(a + 11, entry.replLength);
    view.setUint8(a + 12, entry.padLength ?? 0);
    view.setUint8(a + 13, entry.priv ?? 0);
  });
  return at + ALT_SIZE * entries.length;
}

export interface FakeHost extends AlternativesHost {
  /** `LEVEL template arg arg`. */
  readonly lines: string[];
  /** All writes, as `[offset, bytes]`. */
  readonly memory: FlatMemory;
}

export interface HostSettings {
  readonly features?: readonly number[];
  readonly nops?: 'P6' | 'K8';
  readonly toolchainNopsIdeal?: boolean;
  readonly ibtBuild?: boolean;
  readonly returnThunk?: Address;
  readonly nullCalls?: 'defer' | 'trap';
  /** Other memory: address → bytes in hex. */
  readonly elsewhere?: Readonly<Record<string, string>>;
}

/** Makes a host of that release on this memory. */
export function fakeHost(version: string, memory: FlatMemory, settings: HostSettings = {}): FakeHost {
  const lines: string[] = [];
  const read = (address: Address, length: number): Uint8Array => {
    const offset = Number(address - memory.base);
    if (offset >= 0 && offset + length <= memory.bytes.length) return memory.read(offset, length);
    const found = settings.elsewhere?.[address.toString(16)];
    if (found === undefined) throw new Stopped(`fault at ${address.toString(16)}`);
    return bytes(found).subarray(0, length);
  };
  return {
    memory,
    lines,
    rules: release(version).alternatives,
    hasFeature: (feature) => settings.features?.includes(feature) ?? false,
    nops: (length) => addNops(settings.nops ?? 'P6', length),
    toolchainNopsIdeal: settings.toolchainNopsIdeal ?? false,
    ibtBuild: settings.ibtBuild ?? false,
    returnThunk: settings.returnThunk,
    readPointer: (address) => viewOf(read(address, 8).slice()).getBigUint64(0, true),
    read,
    nullCalls: settings.nullCalls ?? 'trap',
    log: (level, template, ...args) => lines.push([level, template, ...args].join(' ')),
    symbol: (address) => `<${address.toString(16)}>`,
    bug: (index) => {
      throw new Stopped(`BUG ${index}`);
    },
  };
}

import { type Address, addOffset, distance, equalBytes, setWord, viewOf } from '../base/index.ts';
import {
  ELF_BUILD_ID_NOTE,
  ELF_LIVEPATCH_DEPENDS,
  ELF_LIVEPATCH_FUNC,
  ELF_LIVEPATCH_XEN_DEPENDS,
  HOOK_SECTIONS,
  KSYM_NAME_LEN,
  type LivepatchFunc,
  livepatchFunc,
  readBuildId,
} from '../xen/index.ts';
import { badBuildId } from './build-id.ts';
import { type LoaderElf, placeOf, secByName, sectionAddress } from './elf-load.ts';
import { InPayloadFunctionStates, PrivateFunctionStates } from './function-state.ts';
import { type Hypervisor, within } from './hypervisor.ts';
import type { LoadedPayload } from './payload.ts';
import { prepareTables } from './prepare-tables.ts';
import { firstRefusal, LIVEPATCH_C, Refuser, refuseSilently } from './refusal.ts';
import { livepatchSymbolsLookupByName } from './resolve-symbols.ts';
import { SECTION_NOT_OK, sectionOk } from './section-ok.ts';

/**
 * prepare_payload: reads and checks the payload's special sections, on the relocated copy while its pages are still writable.
 * Source: xen/common/livepatch.c.
 */
export function preparePayload(hv: Hypervisor, payload: LoadedPayload, elf: LoaderElf): number {
  const stages = [prepareFunctions, prepareHooks, prepareBuildIds, prepareRegion, prepareTables];
  return within(hv, 'prepare_payload', () => firstRefusal(stages, hv, payload, elf));
}

/** `struct livepatch_fstate` takes 40 bytes; the simulated heap has 64 MiB for one payload, as in move-payload.ts. */
const MAX_STATES = (64 << 20) / 40;

function prepareFunctions(hv: Hypervisor, payload: LoadedPayload, elf: LoaderElf): number {
  const section = secByName(elf, ELF_LIVEPATCH_FUNC);
  if (section === undefined) return 0;
  const layout = livepatchFunc(hv.release.funcLayout, hv.arch.elf.pointerSize);
  if (!sectionOk(hv, elf, section, layout.size)) return SECTION_NOT_OK;
  const addr = sectionAddress(hv, elf, section);
  const size = Number(section.header.sh_size);
  // nfuncs is an unsigned int.
  const count = Number(BigInt.asUintN(32, section.header.sh_size / BigInt(layout.size)));
  payload.funcs = { addr, size, count };
  const { opaque, applied, patchOffset } = layout.at;
  if (opaque === undefined && count > MAX_STATES) {
    const message = `the state of ${count} functions does not fit into memory`;
    return refuseSilently(hv, { rule: 'payload-too-large', errno: 'ENOMEM', message, where: placeOf(section) });
  }
  payload.fstate =
    opaque === undefined
      ? new PrivateFunctionStates(count)
      : new InPayloadFunctionStates(count, hv.patching.memory, addr, layout.size, { opaque, applied, patchOffset });

  for (let i = 0; i < count; i++) {
    const at = addOffset(addr, i * layout.size);
    // Xen reads the version first: if the section is not loaded, this access faults.
    hv.machine.space.readU8(addOffset(at, layout.at.version));
    const func = layout.read(viewOf(hv.machine.space.read(at, layout.size)), 0);
    const rc = checkFunction(hv, elf, func, i, at);
    if (rc !== 0) return rc;
  }
  return 0;
}

function checkFunction(hv: Hypervisor, elf: LoaderElf, func: LivepatchFunc, index: number, at: Address): number {
  const layout = livepatchFunc(hv.release.funcLayout, hv.arch.elf.pointerSize);
  const where = { section: ELF_LIVEPATCH_FUNC, offset: index * layout.size };
  const refuser = new Refuser(hv, LIVEPATCH_C, elf.name);
  if (func.version !== layout.version) {
    const template = 'Wrong version (%u). Expected %d';
    return refuser.at(where)('function-version', 'EOPNOTSUPP', template, func.version, layout.version);
  }
  if (func.oldSize === 0) {
    const message = 'old_size is 0: it must be the size of the function to patch';
    const complaint = { rule: 'function-size-zero', errno: 'EINVAL', where, message } as const;
    return refuser.refuse(complaint, 'Address or size fields are zero');
  }
  let { oldAddr } = func;
  const resolve = (): number => {
    const resolved = resolveOldAddress(hv, elf, func, where);
    if (typeof resolved === 'number') return resolved;
    oldAddr = resolved;
    if (oldAddr !== func.oldAddr) {
      const bytes = new Uint8Array(layout.pointerSize);
      const view = viewOf(bytes);
      setWord(view, 0, layout.pointerSize, oldAddr);
      hv.machine.space.write(addOffset(at, layout.at.oldAddr), bytes);
    }
    return 0;
  };
  const verify = (): number => {
    const refusal = within(hv, 'arch_livepatch_verify_func', () =>
      hv.arch.verifyFunc({ ...func, oldAddr }, hv.patching),
    );
    return refusal === null ? 0 : refuser.refuseFor(refusal, where);
  };
  // Until 5142dc5c25 (4.14.5, 4.15.3, 4.16.1, 4.17) Xen verified the address before it resolved the name.
  const order = hv.release.resolveBeforeVerify ? [resolve, verify] : [verify, resolve];
  return firstRefusal([...order, () => verifyDistance(hv, func, oldAddr, where)]);
}

/** resolve_old_address: looks in the hypervisor's own symbols first, then in those of loaded payloads. */
function resolveOldAddress(
  hv: Hypervisor,
  elf: LoaderElf,
  func: LivepatchFunc,
  where: { readonly section: string; readonly offset: number },
): Address | number {
  if (func.oldAddr !== 0n) return func.oldAddr;
  const name = within(hv, 'symbols_lookup_by_name', () => hv.machine.space.readCString(func.name, NAME_LIMIT));
  const found = hv.symbols.byName(name) || livepatchSymbolsLookupByName(hv, name);
  if (found === 0n) {
    const refuse = new Refuser(hv, LIVEPATCH_C, elf.name).at({ ...where, symbol: name });
    return refuse('unknown-function', 'ENOENT', 'Could not resolve old address of %s', name);
  }
  hv.log.dprintk(LIVEPATCH_C, 'DEBUG', 'livepatch: %s: Resolved old address %s => %p', elf.name, name, found);
  return found;
}

/** Longest name read: longer than any symbol and any console line. */
const NAME_LIMIT = 1024 + KSYM_NAME_LEN;

/** livepatch_verify_distance. */
function verifyDistance(
  hv: Hypervisor,
  func: LivepatchFunc,
  oldAddr: Address,
  where: { readonly section: string; readonly offset: number },
): number {
  if (func.newAddr === 0n) return 0;
  // A signed long.
  const offset = BigInt.asIntN(hv.arch.elf.pointerSize * 8, oldAddr - func.newAddr);
  if (offset >= -hv.arch.range && offset < hv.arch.range) return 0;
  const apart = distance(func.newAddr, oldAddr) ?? offset;
  const message = `old and new address are ${apart} bytes apart, beyond the reach of a jump: ${hv.arch.range} bytes`;
  return refuseSilently(hv, { rule: 'function-out-of-range', errno: 'EOVERFLOW', where, message });
}

function prepareHooks(hv: Hypervisor, payload: LoadedPayload, elf: LoaderElf): number {
  const { pointerSize } = hv.arch.elf;
  for (const { kind, section: name, multiple } of HOOK_SECTIONS) {
    if (!multiple && !hv.release.actionHooks) continue;
    const section = secByName(elf, name);
    if (section === undefined) continue;
    if (!sectionOk(hv, elf, section, pointerSize)) return SECTION_NOT_OK;
    const size = Number(section.header.sh_size);
    const count = size / pointerSize;
    if (!multiple && count !== 1) {
      const message = `${name} has ${count} pointers: only one hook of this kind is allowed`;
      return refuseSilently(hv, { rule: 'hook-count', errno: 'EINVAL', where: { section: name }, message });
    }
    payload.hooks.set(kind, { addr: sectionAddress(hv, elf, section), size, count });
  }
  return 0;
}

function prepareBuildIds(hv: Hypervisor, payload: LoadedPayload, elf: LoaderElf): number {
  const read = (name: string): Uint8Array | number | undefined => {
    const section = secByName(elf, name);
    if (section === undefined) return undefined;
    const address = sectionAddress(hv, elf, section);
    const at = (offset: number, length: number) => hv.machine.space.read(addOffset(address, offset), length);
    const parsed = within(hv, 'xen_build_id_check', () => readBuildId(Number(section.header.sh_size), at));
    return parsed.ok ? parsed.id : badBuildId(hv, name, parsed.errno);
  };

  const id = read(ELF_BUILD_ID_NOTE);
  if (typeof id === 'number') return id;
  if (id !== undefined) {
    payload.buildId = id;
    const other = hv.payloads.find((loaded) => equalBytes(loaded.buildId, id));
    if (other !== undefined) {
      hv.log.dprintk(LIVEPATCH_C, 'DEBUG', 'livepatch: %s: Already loaded as %s!', elf.name, other.name);
      const message = `a payload with this build-id is already loaded as ${other.name}`;
      const where = { section: ELF_BUILD_ID_NOTE };
      return refuseSilently(hv, { rule: 'already-loaded', errno: 'EEXIST', message, where });
    }
  }
  const dep = read(ELF_LIVEPATCH_DEPENDS);
  if (typeof dep === 'number') return dep;
  if (dep !== undefined) payload.dep = dep;
  if (hv.release.xenDepends === 'after-prepare') {
    const xenDep = read(ELF_LIVEPATCH_XEN_DEPENDS);
    if (typeof xenDep === 'number') return xenDep;
    if (xenDep !== undefined) payload.xenDep = xenDep;
  }
  return 0;
}

/** Sets the payload's `struct virtual_region`, which is registered later. */
function prepareRegion(hv: Hypervisor, payload: LoadedPayload): number {
  const { text, ro } = payload;
  const rodata = hv.release.permissions === 'W4' ? ro.size : 0;
  payload.region = {
    name: payload.name,
    textStart: text.addr,
    textEnd: addOffset(text.addr, text.size),
    rodataStart: ro.addr,
    rodataEnd: addOffset(ro.addr, rodata),
  };
  return 0;
}

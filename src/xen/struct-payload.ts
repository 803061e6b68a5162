import { type CStruct, cStruct, ensure } from '../base/index.ts';
import { LIVEPATCH_OPAQUE_SIZE, XEN_LIVEPATCH_NAME_SIZE } from './limits.ts';
import type { Release } from './release.ts';

/**
 * `struct payload` and its members. A payload's hooks receive a pointer to it, and Xen's functions read it when they run.
 *
 * Sources: xen/include/xen/livepatch_payload.h, livepatch.h and virtual_region.h; up to 4.13 common/livepatch.c, where the structure
 * is private:
 * no hook has an argument. Checked against the debug information of builds of 4.14.6 and 4.17.5, and against master's offsets
 * (test/xen/layouts). The other releases follow from the commits named at the members.
 */
interface Words {
  /** Type of pointers, and of `unsigned long` and `size_t`. */
  readonly word: 'u32' | 'u64';
  readonly listHead: CStruct;
  readonly buildId: CStruct;
  readonly hooks: CStruct;
  readonly metadata: CStruct;
  readonly bugFrames: CStruct;
  readonly bugFrameBounds: CStruct;
  readonly symbol: CStruct;
}

function wordsOf(word: 'u32' | 'u64'): Words {
  const triple = cStruct('livepatch_hooks.apply', { pre: word, action: word, post: word });
  return {
    word,
    listHead: cStruct('list_head', { next: word, prev: word }),
    buildId: cStruct('livepatch_build_id', { p: word, len: 'u32' }),
    // Pointers to the entries of the hook sections; NULL if absent. 8313c864fa, ef87efee9d (4.14).
    hooks: cStruct('livepatch_hooks', { apply: triple, revert: triple }),
    // 5083e0ff93 (4.14).
    metadata: cStruct('livepatch_metadata', { data: word, len: 'u32' }),
    // Until 3434518d05 (4.19) a pointer and a count.
    bugFrames: cStruct('virtual_region.frame', { bugs: word, n_bugs: word }),
    // Since 3434518d05 (4.19) two pointers.
    bugFrameBounds: cStruct('virtual_region.frame', { start: word, stop: word }),
    symbol: cStruct('livepatch_symbol', { name: word, value: word, size: 'u32', new_symbol: 'u8' }),
  };
}

const WORDS = { 4: wordsOf('u32'), 8: wordsOf('u64') } as const;

/** What determines a layout besides the release. */
export interface StructPayloadHost {
  readonly pointerSize: 4 | 8;
  /** Number of bug frame kinds: BUGFRAME_NR. */
  readonly bugFrames: number;
}

/** `struct livepatch_fstate`, one per patched function. Since 82182ad7b4 (4.17.3, 4.18.1, 4.19.0); `applied` is an enum of 0 and 1. */
export const LIVEPATCH_FSTATE: CStruct = cStruct('livepatch_fstate', {
  patch_offset: 'u32',
  applied: 'u32',
  insn_buffer: `bytes${LIVEPATCH_OPAQUE_SIZE}`,
});

/** Returns `struct virtual_region` of a release. */
export function virtualRegion(release: Release, host: StructPayloadHost): CStruct {
  const { word, listHead, bugFrames, bugFrameBounds } = WORDS[host.pointerSize];
  // ef969144a4 (4.17.4, 4.18.2, 4.19.0) added the bounds of .rodata, which regime W4 needs.
  const rodata = release.permissions === 'W4' ? word : undefined;
  const frame = release.bugFrameBounds ? bugFrameBounds : bugFrames;
  return cStruct('virtual_region', {
    list: listHead,
    // `start` and `end` until ef969144a4.
    text_start: word,
    text_end: word,
    rodata_start: rodata,
    rodata_end: rodata,
    symbols_lookup: word,
    ...Object.fromEntries(Array.from({ length: host.bugFrames }, (_, i) => [`frame[${i}]`, frame])),
    ex: word,
    ex_end: word,
  });
}

/** Returns `struct payload` of a release. `at` lacks members that the release does not have. */
export function structPayload(release: Release, host: StructPayloadHost): CStruct {
  const { word, listHead, buildId, hooks, metadata } = WORDS[host.pointerSize];
  return cStruct('payload', {
    state: 'u32',
    rc: 'i32',
    reverted: 'u8',
    safe_to_reapply: 'u8',
    list: listHead,
    text_addr: word,
    text_size: word,
    rw_addr: word,
    rw_size: word,
    ro_addr: word,
    ro_size: word,
    pages: 'u32',
    applied_list: listHead,
    funcs: word,
    // 82182ad7b4
    fstate: release.stateInPayload ? undefined : word,
    nfuncs: 'u32',
    symtab: word,
    strtab: word,
    region: virtualRegion(release, host),
    nsyms: 'u32',
    id: buildId,
    dep: buildId,
    // 879615f5db (4.14) to fa49f4be41 (4.18.4, 4.19.1, 4.20.0)
    xen_dep: release.xenDepends === 'after-prepare' ? buildId : undefined,
    load_funcs: word,
    unload_funcs: word,
    hooks: release.actionHooks ? hooks : undefined,
    n_load_funcs: 'u32',
    n_unload_funcs: 'u32',
    name: `bytes${XEN_LIVEPATCH_NAME_SIZE}`,
    metadata: release.modinfo ? metadata : undefined,
  });
}

/** Returns the offset in bytes of a member that the release must have (`funcs`, `region.list.next`). Asserts that it does. */
export const offsetIn = (struct: CStruct, member: string): number =>
  ensure(struct.at[member], `struct ${struct.name} has no ${member}`);

/**
 * Returns `struct livepatch_symbol`, an entry of a payload's symbol table. The same in all releases. Source:
 * xen/include/xen/livepatch.h.
 */
export const livepatchSymbol = (pointerSize: 4 | 8): CStruct => WORDS[pointerSize].symbol;

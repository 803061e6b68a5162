import { type CStruct, cStruct, ensure } from '../base/index.ts';
import { LIVEPATCH_OPAQUE_SIZE, XEN_LIVEPATCH_NAME_SIZE } from './limits.ts';
import type { Release } from './release.ts';

/**
 * `struct payload` and what is in it, on x86-64: what a payload's hooks are handed a pointer to, and what Xen's own functions
 * read where they are run.
 *
 * Sources: xen/include/xen/livepatch_payload.h, livepatch.h and virtual_region.h; up to 4.13 common/livepatch.c, where the
 * structure is Xen's own business: no hook has an argument. Checked against the debug information of builds of
 * 4.14.6 and 4.17.5, and against the offsets that master has (test/xen/layouts). The other releases follow from the
 * commits that are named at the members.
 */
const listHead = cStruct('list_head', { next: 'u64', prev: 'u64' });

const buildId = cStruct('livepatch_build_id', { p: 'u64', len: 'u32' });

const hookTriple = cStruct('livepatch_hooks.apply', { pre: 'u64', action: 'u64', post: 'u64' });

/** Pointers to the entries of the hook sections; NULL where a payload has none. 8313c864fa, ef87efee9d (4.14). */
const hooks = cStruct('livepatch_hooks', { apply: hookTriple, revert: hookTriple });

/** 5083e0ff93 (4.14). */
const metadata = cStruct('livepatch_metadata', { data: 'u64', len: 'u32' });

/** Until 3434518d05 (4.19) a pointer and a count. */
const bugFrames = cStruct('virtual_region.frame', { bugs: 'u64', n_bugs: 'u64' });
/** Since 3434518d05 (4.19) two pointers. */
const bugFrameBounds = cStruct('virtual_region.frame', { start: 'u64', stop: 'u64' });

/**
 * `struct livepatch_fstate`, one for each patched function. Since 82182ad7b4 (4.17.3, 4.18.1, 4.19.0); `applied` is an enum
 * of 0 and 1.
 */
export const LIVEPATCH_FSTATE: CStruct = cStruct('livepatch_fstate', {
  patch_offset: 'u32',
  applied: 'u32',
  insn_buffer: `bytes${LIVEPATCH_OPAQUE_SIZE}`,
});

/** `struct virtual_region` of a release on x86-64. */
export function virtualRegion(release: Release): CStruct {
  // ef969144a4 (4.17.4, 4.18.2, 4.19.0) brought the bounds of .rodata, and is what regime W4 needs.
  const rodata = release.permissions === 'W4' ? 'u64' : undefined;
  const frame = release.bugFrameBounds ? bugFrameBounds : bugFrames;
  return cStruct('virtual_region', {
    list: listHead,
    // `start` and `end` until ef969144a4.
    text_start: 'u64',
    text_end: 'u64',
    rodata_start: rodata,
    rodata_end: rodata,
    symbols_lookup: 'u64',
    'frame[0]': frame,
    'frame[1]': frame,
    'frame[2]': frame,
    'frame[3]': frame,
    ex: 'u64',
    ex_end: 'u64',
  });
}

/** `struct payload` of a release on x86-64. Members that the release does not have are not in `at`. */
export function structPayload(release: Release): CStruct {
  return cStruct('payload', {
    state: 'u32',
    rc: 'i32',
    reverted: 'u8',
    safe_to_reapply: 'u8',
    list: listHead,
    text_addr: 'u64',
    text_size: 'u64',
    rw_addr: 'u64',
    rw_size: 'u64',
    ro_addr: 'u64',
    ro_size: 'u64',
    pages: 'u32',
    applied_list: listHead,
    funcs: 'u64',
    // 82182ad7b4
    fstate: release.stateInPayload ? undefined : 'u64',
    nfuncs: 'u32',
    symtab: 'u64',
    strtab: 'u64',
    region: virtualRegion(release),
    nsyms: 'u32',
    id: buildId,
    dep: buildId,
    // 879615f5db (4.14) to fa49f4be41 (4.18.4, 4.19.1, 4.20.0)
    xen_dep: release.xenDepends === 'after-prepare' ? buildId : undefined,
    load_funcs: 'u64',
    unload_funcs: 'u64',
    hooks: release.actionHooks ? hooks : undefined,
    n_load_funcs: 'u32',
    n_unload_funcs: 'u32',
    name: `bytes${XEN_LIVEPATCH_NAME_SIZE}`,
    metadata: release.modinfo ? metadata : undefined,
  });
}

/**
 * Offset in bytes of a member that the release is known to have (`funcs`, `region.list.next`). Asking for one that it does
 * not have is a mistake of ours.
 */
export const offsetIn = (struct: CStruct, member: string): number =>
  ensure(struct.at[member], `struct ${struct.name} has no ${member}`);

/** `struct livepatch_symbol`: an entry of a payload's symbol table. The same in all releases. Source: xen/include/xen/livepatch.h. */
export const LIVEPATCH_SYMBOL: CStruct = cStruct('livepatch_symbol', {
  name: 'u64',
  value: 'u64',
  size: 'u32',
  new_symbol: 'u8',
});

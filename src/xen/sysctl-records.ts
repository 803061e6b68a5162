import { record } from '../base/index.ts';

/**
 * Layouts inside `struct xen_sysctl` at absolute offsets: the common head and one record per sub-operation, each starting at the
 * union of `struct xen_sysctl_livepatch_op`. XEN_GUEST_HANDLE_64 has eight bytes on every architecture.
 * Source: xen/include/public/sysctl.h of 4.11 … 4.22; offsets compared with compiled headers.
 */

/** `cmd`, `interface_version`, and the head of `struct xen_sysctl_livepatch_op`. */
export const SYSCTL_LIVEPATCH_HEAD = record('xen_sysctl', {
  cmd: 'u32',
  interface_version: 'u32',
  livepatch_cmd: 'u32',
  /** `pad` up to 4.18, `flags` since 4.19. */
  word: 'u32',
});

/** Offset of the union of sub-operations in `struct xen_sysctl`, in bytes. */
export const SYSCTL_LIVEPATCH_UNION = SYSCTL_LIVEPATCH_HEAD.size;

const NAME = { name: 'u64', name_size: 'u16', pad0: 'u16', pad1: 'u16', pad2: 'u16' } as const;

/** `struct xen_livepatch_name`, 16 bytes: the first member of every sub-operation except LIST. */
export const LIVEPATCH_NAME = record('xen_livepatch_name', NAME);

/** `struct xen_livepatch_status`, 8 bytes: the element of LIST's `status` array. */
export const LIVEPATCH_STATUS = record('xen_livepatch_status', { state: 'u32', rc: 'i32' });

export const SYSCTL_LIVEPATCH_UPLOAD = record('xen_sysctl_livepatch_upload', {
  ...NAME,
  size: 'u64',
  payload: 'u64',
});

export const SYSCTL_LIVEPATCH_GET = record('xen_sysctl_livepatch_get', { ...NAME, state: 'u32', rc: 'i32' });

/** LIST of 4.7 … 4.13, 40 bytes. */
export const SYSCTL_LIVEPATCH_LIST_V1 = record('xen_sysctl_livepatch_list', {
  version: 'u32',
  idx: 'u32',
  nr: 'u32',
  pad: 'u32',
  status: 'u64',
  name: 'u64',
  len: 'u64',
});

/** LIST since 4.14, 64 bytes (b145b4a39c, 5083e0ff93). The two sizes are OUT, since 4.21 IN and OUT (4c3ce492ed). */
export const SYSCTL_LIVEPATCH_LIST_V2 = record('xen_sysctl_livepatch_list', {
  version: 'u32',
  idx: 'u32',
  nr: 'u32',
  pad: 'u32',
  name_total_size: 'u32',
  metadata_total_size: 'u32',
  status: 'u64',
  name: 'u64',
  len: 'u64',
  metadata: 'u64',
  metadata_len: 'u64',
});

/** ACTION of 4.7 … 4.13, 24 bytes. */
export const SYSCTL_LIVEPATCH_ACTION_V1 = record('xen_sysctl_livepatch_action', {
  ...NAME,
  cmd: 'u32',
  timeout: 'u32',
});

/** ACTION since 4.14, 32 bytes (b274989b61). */
export const SYSCTL_LIVEPATCH_ACTION_V2 = record('xen_sysctl_livepatch_action', {
  ...NAME,
  cmd: 'u32',
  timeout: 'u32',
  flags: 'u32',
  pad: 'u32',
});

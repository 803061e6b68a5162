import type { Release } from './release.ts';
import type { ActionName } from './target.ts';

/** Numbers of XEN_SYSCTL_livepatch_op. Source: xen/include/public/sysctl.h. */

/** `cmd` of `struct xen_sysctl`, in every release. */
export const XEN_SYSCTL_LIVEPATCH_OP = 27;

/** sizeof(struct xen_sysctl), in bytes. */
export const XEN_SYSCTL_SIZE = 136;

export const XEN_SYSCTL_LIVEPATCH_UPLOAD = 0;
export const XEN_SYSCTL_LIVEPATCH_GET = 1;
export const XEN_SYSCTL_LIVEPATCH_LIST = 2;
export const XEN_SYSCTL_LIVEPATCH_ACTION = 3;

export const LIVEPATCH_STATE_CHECKED = 1;
export const LIVEPATCH_STATE_APPLIED = 2;

export const LIVEPATCH_ACTION_UNLOAD = 1;
export const LIVEPATCH_ACTION_REVERT = 2;
export const LIVEPATCH_ACTION_APPLY = 3;
export const LIVEPATCH_ACTION_REPLACE = 4;

/** The actions' numbers in the ABI. */
export const LIVEPATCH_ACTIONS: Readonly<Record<ActionName, number>> = {
  unload: LIVEPATCH_ACTION_UNLOAD,
  revert: LIVEPATCH_ACTION_REVERT,
  apply: LIVEPATCH_ACTION_APPLY,
  replace: LIVEPATCH_ACTION_REPLACE,
};

/** Flag of an ACTION: skips the build-id dependency check. Since 4.14 (b274989b61). */
export const LIVEPATCH_ACTION_APPLY_NODEPS = 1;

/** Flag of the operation; no effect. Since 4.19 (62a72092a5). */
export const LIVEPATCH_FLAG_FORCE = 1;
export const LIVEPATCH_FLAGS_MASK = 1;

/** Patch state of a function. Source: enum livepatch_func_state, since 4.14. */
export const LIVEPATCH_FUNC_NOT_APPLIED = 0;
export const LIVEPATCH_FUNC_APPLIED = 1;

/** State of a payload by name. */
export type PayloadState = 'CHECKED' | 'APPLIED';

/** State names that `xen-livepatch list` and the `x` key print; both print `unknown` for any other number. */
export const LIVEPATCH_STATE_NAMES: ReadonlyMap<number, PayloadState> = new Map([
  [LIVEPATCH_STATE_CHECKED, 'CHECKED'],
  [LIVEPATCH_STATE_APPLIED, 'APPLIED'],
]);

/**
 * Does livepatch_op accept the word after the sub-operation (else -EINVAL)? Up to 4.18 it is padding. Since 4.19 unknown flags are
 * refused only while FORCE is clear: 0, 1, 3 and 0x80000001 pass, 2 does not.
 */
export function livepatchOpWordOk(release: Pick<Release, 'opWord'>, word: number): boolean {
  if (release.opWord === 'pad') return word === 0;
  return (word & ~LIVEPATCH_FLAGS_MASK) === 0 || (word & LIVEPATCH_FLAG_FORCE) !== 0;
}

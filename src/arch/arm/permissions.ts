import type { Errno } from '../../xen/index.ts';
import type { PatchingHost } from '../permissions.ts';

/**
 * arch_livepatch_quiesce: the hypervisor's image is mapped a second time, writable. The live mapping stays as it is, and so do the
 * pages of payloads. Source: xen/arch/arm/livepatch.c.
 */
export function quiesce(host: PatchingHost): Errno | null {
  if (host.textAlias !== null) return 'EINVAL';
  return host.mapTextAlias() ? null : 'ENOMEM';
}

/** arch_livepatch_revive: no stale instruction is left, and the second mapping goes away. */
export function revive(host: PatchingHost): void {
  host.invalidateInstructionCache();
  host.unmapTextAlias();
}

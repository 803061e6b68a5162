import type { Errno } from '../../xen/index.ts';
import type { PatchingHost } from '../permissions.ts';

/**
 * arch_livepatch_quiesce: maps the hypervisor's image a second time, writable. Neither the live mapping nor the pages of payloads
 * change. Source: xen/arch/arm/livepatch.c.
 */
export function quiesce(host: PatchingHost): Errno | null {
  if (host.textAlias !== null) return 'EINVAL';
  return host.mapTextAlias() ? null : 'ENOMEM';
}

/** arch_livepatch_revive: invalidates the instruction cache and removes the second mapping. */
export function revive(host: PatchingHost): void {
  host.invalidateInstructionCache();
  host.unmapTextAlias();
}

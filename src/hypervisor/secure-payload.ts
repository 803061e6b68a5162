import { PAGE_KINDS } from '../arch/index.ts';
import { PAGE_SIZE } from '../xen/index.ts';
import { type Hypervisor, within } from './hypervisor.ts';
import type { LoadedPayload } from './payload.ts';

/**
 * secure_payload: maps text as RX, data as RW and everything else as RO. Until then all pages are writable and none is executable.
 * Source: xen/common/livepatch.c, arch_livepatch_secure.
 */
export function securePayload(hv: Hypervisor, payload: LoadedPayload): number {
  within(hv, 'secure_payload', () => {
    const kinds = [
      [payload.text, PAGE_KINDS.RX],
      [payload.rw, PAGE_KINDS.RW],
      [payload.ro, PAGE_KINDS.RO],
    ] as const;
    for (const [region, permission] of kinds) {
      if (region.size === 0) continue;
      hv.machine.space.protect(region.addr, Math.ceil(region.size / PAGE_SIZE), permission);
    }
  });
  return 0;
}

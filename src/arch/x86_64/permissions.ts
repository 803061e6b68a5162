import type { Errno, Release } from '../../xen/index.ts';
import { PAGE_KINDS } from '../page-table.ts';
import type { PatchingHost } from '../permissions.ts';
import { GENERAL_PROTECTION } from './exceptions.ts';

const { RX, RW, RO, RWX } = PAGE_KINDS;

/**
 * arch_livepatch_quiesce: makes the hypervisor's code writable, by the release's regime (W1 … W4, `PermissionRegime`).
 * Source: xen/arch/x86/livepatch.c, xen/common/virtual_region.c; commits 92167e9430, 8676092a0f, b083b1c393.
 */
export function quiesce(host: PatchingHost, release: Release): Errno | null {
  switch (release.permissions) {
    case 'W1':
      host.writeProtect = false;
      return null;
    case 'W2':
      // Xen clears CR4.CET only if it uses shadow stacks. With branch tracking alone, CR4.CET stays set, and clearing
      // CR0.WP then raises #GP (Intel SDM volume 1, 17.1).
      if (host.cet.indirectBranchTracking && !host.cet.shadowStacks && release.endbr !== 'ignored') {
        host.raise(GENERAL_PROTECTION, 'arch_livepatch_quiesce', 'CR0.WP cannot be cleared while CR4.CET is set');
      }
      host.writeProtect = false;
      return null;
    case 'W3':
    case 'W4':
      for (const region of host.regions) {
        host.modifyMappingsLite(region.textStart, region.textEnd, RWX);
        if (release.permissions === 'W4') host.modifyMappingsLite(region.rodataStart, region.rodataEnd, RW);
      }
      return null;
  }
}

/** arch_livepatch_revive: makes the code read-only again. */
export function revive(host: PatchingHost, release: Release): void {
  if (release.permissions === 'W1' || release.permissions === 'W2') {
    host.writeProtect = true;
    if (release.permissions === 'W2' && host.cet.shadowStacks) reviveShadowStacks(host, release);
    return;
  }
  for (const region of host.regions) {
    host.modifyMappingsLite(region.textStart, region.textEnd, RX);
    if (release.permissions === 'W4') host.modifyMappingsLite(region.rodataStart, region.rodataEnd, RO);
  }
}

/**
 * W2 on a host with shadow stacks: revive rewrites the text's entries and flushes the TLBs of all CPUs with interrupts off. According to
 * 8676092a0f, which replaced it, that fails an assertion in debug builds and double-faults in others.
 */
function reviveShadowStacks(host: PatchingHost, release: Release): void {
  const condition = 'local_irq_is_enabled() || cpumask_subset(mask, cpumask_of(cpu))';
  host.assertionFails('flush_area_mask', condition, 'arch/x86/smp.c');
  const message = `Xen ${release.version} may double-fault when it patches on a host that uses shadow stacks: boot it with cet=no-shstk`;
  host.harm('cet-patching', message);
}

import type { PatchingHost, Permission, VirtualRegion } from '../arch/index.ts';
import { type Address, addOffset, u64 } from '../base/index.ts';
import { PAGE_SIZE } from '../xen/index.ts';
import { type Hypervisor, report } from './hypervisor.ts';
import { assertionLine } from './image-bug-frames.ts';
import { HostStop } from './stop.ts';
import { mapTextAlias, unmapTextAlias } from './text-alias.ts';

/** register_virtual_region: adds a region to those that back traces, bug frames and the patching window search. */
export function registerRegion(hv: Hypervisor, region: VirtualRegion): void {
  hv.regions.push(region);
}

export function unregisterRegion(hv: Hypervisor, region: VirtualRegion): void {
  hv.regions = hv.regions.filter((other) => other !== region);
}

/** Returns the host on which the architecture's quiesce and revive work. */
export function patchingHost(hv: Hypervisor): PatchingHost {
  const { space } = hv.machine;
  const { cet } = hv.options.processor;
  return {
    get writeProtect() {
      return space.writeProtect;
    },
    set writeProtect(value) {
      space.writeProtect = value;
    },
    cet: {
      shadowStacks: cet.shadowStacks && hv.image.configured('CONFIG_XEN_SHSTK'),
      indirectBranchTracking: cet.indirectBranchTracking && hv.image.configured('CONFIG_XEN_IBT'),
    },
    regions: hv.regions,
    modifyMappingsLite: (start, end, permission) => modifyMappingsLite(hv, start, end, permission),
    textAlias: hv.textAlias,
    mapTextAlias: () => mapTextAlias(hv),
    unmapTextAlias: () => unmapTextAlias(hv),
    invalidateInstructionCache: () => hv.caches.invalidateInstructionCache(),
    harm: (rule, message) => report(hv, rule, message),
    assertionFails: (where, condition, file) => assertionFails(hv, where, condition, file),
    generalProtection: (where, why) => {
      hv.frames.push(where);
      throw new HostStop({ kind: 'trap', vector: 13, name: 'GENERAL PROTECTION FAULT', why });
    },
  };
}

/** Fails an ASSERT() in a function of the hypervisor: ends a debug build, does nothing in a release build. */
export function assertionFails(hv: Hypervisor, where: string, condition: string, file: string): void {
  if (!hv.options.debugBuild) return;
  hv.frames.push(where);
  throw new HostStop({ kind: 'assertion', condition, file, line: assertionLine(hv, condition, file) });
}

const SUPERPAGE = 0x20_0000n;

/**
 * modify_xen_mappings_lite: edits page-table entries in place without splitting large ones; rounds the range to pages.
 *
 * Until 7c81558208 (4.17.4, 4.18.1, 4.19.0) a range of small pages that crosses a 2 MiB boundary continues in the first table: it edits entries
 * of the preceding 2 MiB instead, and entries after the boundary keep their values.
 * Source: xen/arch/x86/mm.c.
 */
function modifyMappingsLite(hv: Hypervisor, start: Address, end: Address, permission: Permission): void {
  if (start >= end) return;
  const { space } = hv.machine;
  const last = u64((end + BigInt(PAGE_SIZE - 1)) & ~BigInt(PAGE_SIZE - 1));
  const table = start & ~(SUPERPAGE - 1n);
  let inFirstTable = true;
  for (let at = start & ~BigInt(PAGE_SIZE - 1); at < last; ) {
    const wrapped = hv.release.liteMappingBug && inFirstTable && at - table >= SUPERPAGE;
    const edited = wrapped ? table + ((at - table) % SUPERPAGE) : at;
    const large = space.leafIsSuperpage(edited);
    const done = space.overwritePermission(edited, Number((last - at) / BigInt(PAGE_SIZE)), permission);
    if (done === 0) return;
    inFirstTable = inFirstTable && !large;
    at = large ? (at & ~(SUPERPAGE - 1n)) + SUPERPAGE : addOffset(at, done * PAGE_SIZE);
  }
}

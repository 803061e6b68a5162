import type { PatchingHost, Permission, VirtualRegion } from '../arch/index.ts';
import { type Address, addOffset, ensure, u64 } from '../base/index.ts';
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
    raise: (vector, where, why) => {
      hv.frames.push(where);
      throw new HostStop({ kind: 'trap', text: panicText(hv, vector), why });
    },
  };
}

/** Returns what the panic calls an exception that has words of its own. */
const panicText = ({ arch }: Hypervisor, vector: number): string =>
  ensure(arch.execution.exceptions.get(vector)?.panicText, 'only such exceptions are raised');

/** Fails an ASSERT() in a function of the hypervisor: ends a debug build, does nothing in a release build. */
export function assertionFails(hv: Hypervisor, where: string, condition: string, file: string): void {
  if (!hv.options.debugBuild) return;
  hv.frames.push(where);
  throw new HostStop({ kind: 'assertion', condition, file, line: assertionLine(hv, condition, file) });
}

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
  const superpage = space.superpageSize;
  const last = u64((end + BigInt(PAGE_SIZE - 1)) & ~BigInt(PAGE_SIZE - 1));
  const table = start & ~(superpage - 1n);
  let inFirstTable = true;
  for (let at = start & ~BigInt(PAGE_SIZE - 1); at < last; ) {
    const wrapped = hv.release.liteMappingBug && inFirstTable && at - table >= superpage;
    const edited = wrapped ? table + ((at - table) % superpage) : at;
    const large = space.leafIsSuperpage(edited);
    const done = space.overwritePermission(edited, Number((last - at) / BigInt(PAGE_SIZE)), permission);
    if (done === 0) return;
    inFirstTable = inFirstTable && !large;
    at = large ? (at & ~(superpage - 1n)) + superpage : addOffset(at, done * PAGE_SIZE);
  }
}

import type { Address } from '../base/index.ts';
import type { RuleId } from '../catalogue/index.ts';
import type { Permission } from './page-table.ts';

/** Memory that the hypervisor knows by purpose: `struct virtual_region` (xen/include/xen/virtual_region.h). */
export interface VirtualRegion {
  readonly name: string;
  readonly textStart: Address;
  readonly textEnd: Address;
  readonly rodataStart: Address;
  /** Equal to `rodataStart` where there is none. */
  readonly rodataEnd: Address;
}

/** What quiesce and revive work on. */
export interface PatchingHost {
  /** CR0.WP, on the CPU that patches. */
  writeProtect: boolean;
  /** CR4.CET users: shadow stacks, indirect branch tracking. */
  readonly cet: { readonly shadowStacks: boolean; readonly indirectBranchTracking: boolean };
  /** Registered regions, the hypervisor's own first. */
  readonly regions: readonly VirtualRegion[];
  /**
   * modify_xen_mappings_lite: rewrites the leaf entries of `[start, end)` in place.
   * Throws what a real one would run into.
   */
  modifyMappingsLite(start: Address, end: Address, permission: Permission): void;
  /** Where the hypervisor's image is mapped a second time, writable; `null` while it is not. */
  readonly textAlias: Address | null;
  /** Maps the image a second time. False where there is no room for it. */
  mapTextAlias(): boolean;
  unmapTextAlias(): void;
  invalidateInstructionCache(): void;
  /** Says that hosts like this one are known to come to harm here, although the simulation goes on. */
  harm(rule: RuleId, message: string): void;
  /** ASSERT() that does not hold: the end of a debug build, nothing in a release build. */
  assertionFails(where: string, condition: string, file: string): void;
  /** Raises an exception of the architecture in that function of the hypervisor. Does not return. */
  raise(vector: number, where: string, why: string): never;
}

import type { Address } from '../base/index.ts';
import type { RuleId } from '../catalogue/index.ts';
import type { Permission } from './page-table.ts';

/** `struct virtual_region` (xen/include/xen/virtual_region.h). */
export interface VirtualRegion {
  readonly name: string;
  readonly textStart: Address;
  readonly textEnd: Address;
  readonly rodataStart: Address;
  /** Equal to `rodataStart` if the region has no read-only data. */
  readonly rodataEnd: Address;
}

/** The host that quiesce and revive change. */
export interface PatchingHost {
  /** CR0.WP, on the CPU that patches. */
  writeProtect: boolean;
  /** CR4.CET users: shadow stacks, indirect branch tracking. */
  readonly cet: { readonly shadowStacks: boolean; readonly indirectBranchTracking: boolean };
  /** Registered regions, the hypervisor's own first. */
  readonly regions: readonly VirtualRegion[];
  /**
   * modify_xen_mappings_lite: rewrites the leaf entries of `[start, end)` in place. Throws the panic that a real host would hit.
   */
  modifyMappingsLite(start: Address, end: Address, permission: Permission): void;
  /** Address of the second, writable mapping of the hypervisor's image; `null` while there is none. */
  readonly textAlias: Address | null;
  /** Maps the image a second time. Returns false if there is no room. */
  mapTextAlias(): boolean;
  unmapTextAlias(): void;
  invalidateInstructionCache(): void;
  /** Reports that real hosts like this one are known to fail here, although the simulation continues. */
  harm(rule: RuleId, message: string): void;
  /** Reports a failed ASSERT(): a debug build panics, a release build ignores it. */
  assertionFails(where: string, condition: string, file: string): void;
  /** Raises an exception of the architecture in the hypervisor function `where`. Does not return. */
  raise(vector: number, where: string, why: string): never;
}

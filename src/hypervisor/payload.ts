import type { VirtualRegion } from '../arch/index.ts';
import type { Address } from '../base/index.ts';
import type { HookKind } from '../xen/index.ts';
import type { FunctionStates } from './function-state.ts';
import type { TrapTables } from './region-tables.ts';

/** `struct livepatch_symbol`: a symbol that a payload defines. */
export interface PayloadSymbol {
  readonly name: string;
  readonly value: Address;
  readonly size: number;
  /** Other payloads may link against it, because it is not just the new version of a function. */
  readonly newSymbol: boolean;
}

/** A range of the payload's own memory. */
export interface PayloadRange {
  readonly addr: Address;
  /** Bytes. */
  readonly size: number;
}

/** The region of one page kind. As in Xen, it has an address even if it is empty. */
export interface PayloadRegion {
  addr: Address;
  /** Bytes, before rounding to pages. */
  size: number;
}

/** Hook pointers of one section. Xen reads the addresses from memory when it calls the hook. */
export interface PayloadHooks extends PayloadRange {
  readonly count: number;
}

/**
 * `struct payload` (xen/common/livepatch.c): a payload that the hypervisor holds. The state of each function is in `fstate`, not in the
 * payload's own pages.
 */
export interface LoadedPayload {
  readonly name: string;
  state: 'CHECKED' | 'APPLIED';
  /** Result of the last action: 0 or a negated errno. */
  rc: number;
  reverted: boolean;
  safeToReapply: boolean;
  readonly text: PayloadRegion;
  readonly rw: PayloadRegion;
  readonly ro: PayloadRegion;
  /** Pages of all three regions; the allocation starts at `text.addr`. */
  pages: number;
  /** `.livepatch.funcs` as loaded. */
  funcs: PayloadRange & { readonly count: number };
  fstate: FunctionStates;
  symtab: readonly PayloadSymbol[];
  /** Symbols of `symtab` that others may link against, by name; the first of equal names. */
  newSymbols: ReadonlyMap<string, PayloadSymbol>;
  buildId: Uint8Array;
  /** `.livepatch.depends`: build-id of the required top of the stack. */
  dep: Uint8Array;
  xenDep: Uint8Array | null;
  readonly hooks: Map<HookKind, PayloadHooks>;
  /** `.modinfo` as loaded; empty if there is none. */
  metadata: PayloadRange;
  region: VirtualRegion;
  /** The tables that trap handlers search for it. */
  readonly trapTables: TrapTables;
}

import type { VirtualRegion } from '../arch/index.ts';
import type { Address } from '../base/index.ts';
import type { HookKind } from '../xen/index.ts';
import type { FunctionStates } from './function-state.ts';
import type { TrapTables } from './region-tables.ts';

/** A symbol that a payload defines: `struct livepatch_symbol`. */
export interface PayloadSymbol {
  readonly name: string;
  readonly value: Address;
  readonly size: number;
  /** Others may link against it: it is not merely the new version of something. */
  readonly newSymbol: boolean;
}

/** A range of the payload's own memory. */
export interface PayloadRange {
  readonly addr: Address;
  /** Bytes. */
  readonly size: number;
}

/** One page kind of a payload: an address is given even where it is empty, as Xen does. */
export interface PayloadRegion {
  addr: Address;
  /** Bytes, before rounding to pages. */
  size: number;
}

/** Hook pointers of one section. The addresses are read from memory when the hook is due. */
export interface PayloadHooks extends PayloadRange {
  readonly count: number;
}

/**
 * A payload that the hypervisor holds: `struct payload` (xen/common/livepatch.c). What it remembers about each function is in
 * `fstate` and nowhere in the payload's own pages.
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
  /** Pages of all three together; the allocation starts at `text.addr`. */
  pages: number;
  /** `.livepatch.funcs` as loaded. */
  funcs: PayloadRange & { readonly count: number };
  fstate: FunctionStates;
  symtab: readonly PayloadSymbol[];
  /** Those of `symtab` that others may link against, by name; the first of equal names. */
  newSymbols: ReadonlyMap<string, PayloadSymbol>;
  buildId: Uint8Array;
  /** `.livepatch.depends`: build-id of what must be on top of the stack. */
  dep: Uint8Array;
  xenDep: Uint8Array | null;
  readonly hooks: Map<HookKind, PayloadHooks>;
  /** `.modinfo` as loaded; of size 0 where there is none. */
  metadata: PayloadRange;
  region: VirtualRegion;
  /** What the trap handlers look up there. */
  readonly trapTables: TrapTables;
}

import type { Address } from '../base/index.ts';
import type { Hypervisor } from './hypervisor.ts';

/** One piece of cache maintenance that the hypervisor does for the sake of patched code. */
export type CacheMaintenance =
  /** clean_and_invalidate_dcache_va_range: these bytes reach memory, and are fetched anew. */
  | { readonly kind: 'clean-invalidate-dcache'; readonly address: Address; readonly length: number }
  /** invalidate_icache: no CPU executes what it has fetched before. */
  | { readonly kind: 'invalidate-icache' };

/** Pieces that are kept: `.altinstructions` of a payload may name two hundred thousand places. */
const MOST_KEPT = 10_000;

function keep(hv: Hypervisor, piece: CacheMaintenance): void {
  if (hv.cacheMaintenance.length < MOST_KEPT) hv.cacheMaintenance.push(piece);
}

/** Cleans and invalidates lines of the data cache. Faults where nothing is mapped: it is done by address. */
export function cleanDataCache(hv: Hypervisor, address: Address, length: number): void {
  if (length === 0) return;
  hv.machine.space.check(address, length, 'clean');
  keep(hv, { kind: 'clean-invalidate-dcache', address, length });
}

export function invalidateInstructionCache(hv: Hypervisor): void {
  keep(hv, { kind: 'invalidate-icache' });
}

/** Everything since the last call, in order; at most {@link MOST_KEPT} pieces of it. */
export function takeCacheMaintenance(hv: Hypervisor): CacheMaintenance[] {
  const { cacheMaintenance } = hv;
  hv.cacheMaintenance = [];
  return cacheMaintenance;
}

import type { Address } from '../base/index.ts';
import type { AddressSpace } from '../machine/index.ts';

/** One cache operation that the hypervisor makes for patched code. */
export type CacheMaintenance =
  /** clean_and_invalidate_dcache_va_range: writes these bytes back to memory, so that they are fetched again. */
  | { readonly kind: 'clean-invalidate-dcache'; readonly address: Address; readonly length: number }
  /** invalidate_icache: no CPU executes instructions that it fetched before. */
  | { readonly kind: 'invalidate-icache' };

/** Most operations kept: a payload's `.altinstructions` may name two hundred thousand places. */
const MOST_KEPT = 10_000;

/** Records the cache maintenance of architectures that leave it to software. */
export class CacheLog {
  readonly #space: AddressSpace;
  readonly #faults: boolean;
  #operations: CacheMaintenance[] = [];

  /** `faults`: see `HostOptions.cacheFaults`. */
  constructor(space: AddressSpace, faults: boolean) {
    this.#space = space;
    this.#faults = faults;
  }

  /** Cleans and invalidates lines of the data cache by address; faults where nothing is mapped. */
  cleanDataCache(address: Address, length: number): void {
    if (length === 0) return;
    if (this.#faults) this.#space.check(address, length, 'clean');
    this.#keep({ kind: 'clean-invalidate-dcache', address, length });
  }

  invalidateInstructionCache(): void {
    this.#keep({ kind: 'invalidate-icache' });
  }

  /** Returns the operations since the last call, in order, at most {@link MOST_KEPT}. */
  take(): CacheMaintenance[] {
    const operations = this.#operations;
    this.#operations = [];
    return operations;
  }

  #keep(operation: CacheMaintenance): void {
    if (this.#operations.length < MOST_KEPT) this.#operations.push(operation);
  }
}

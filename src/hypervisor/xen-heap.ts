import { PAGE_KINDS, PAGE_SIZE } from '../arch/index.ts';
import { type Address, addOffset } from '../base/index.ts';
import type { AddressSpace } from '../machine/index.ts';

/** Bytes mapped at a time, to keep the number of mappings low. */
const CHUNK = 16 * PAGE_SIZE;

/** Most bytes that code may hold at a time. Larger allocations fail, as on a host without free memory. */
const LIMIT = 64 << 20;

/** Minimum alignment of an allocation. Source: xen/common/xmalloc_tlsf.c, MEM_ALIGN. */
const ALIGNMENT = 16;

/**
 * Memory that running code allocates. Maps writable pages on demand and never unmaps them. First fit, so the same calls get the same
 * addresses. New memory is zeroed; freed memory keeps its contents.
 */
export class XenHeap {
  readonly start: Address;
  readonly #space: AddressSpace;
  /** Sizes of allocations by offset. */
  readonly #held = new Map<number, number>();
  /** Free ranges of the mapped memory, ascending. */
  readonly #free: { at: number; size: number }[] = [];
  #mapped = 0;

  constructor(space: AddressSpace, start: Address) {
    this.#space = space;
    this.start = start;
  }

  /** Most bytes that the heap can map. */
  get limit(): number {
    return LIMIT;
  }

  /** Returns the address of `size` new bytes at a multiple of `alignment` (a power of two), or 0 if there is no room. */
  allocate(size: number, alignment: number = ALIGNMENT): Address {
    const wanted = Math.ceil(Math.max(size, 1) / ALIGNMENT) * ALIGNMENT;
    const align = Math.max(alignment, ALIGNMENT);
    const at = this.#take(wanted, align) ?? (this.#grow(wanted + align) ? this.#take(wanted, align) : undefined);
    if (at === undefined) return 0n;
    this.#held.set(at, wanted);
    return addOffset(this.start, at);
  }

  /** Returns the size of an allocation in bytes; `undefined` if there is none at the address. */
  sizeOf(address: Address): number | undefined {
    return this.#held.get(Number(address - this.start));
  }

  /** Frees an allocation. Returns false if there is none at the address. */
  free(address: Address): boolean {
    const at = Number(address - this.start);
    const size = this.#held.get(at);
    if (size === undefined) return false;
    this.#held.delete(at);
    this.#give(at, size);
    return true;
  }

  #take(size: number, align: number): number | undefined {
    for (const [i, range] of this.#free.entries()) {
      const at = Math.ceil(range.at / align) * align;
      const end = range.at + range.size;
      if (at + size > end) continue;
      const rest = [];
      if (at > range.at) rest.push({ at: range.at, size: at - range.at });
      if (at + size < end) rest.push({ at: at + size, size: end - at - size });
      this.#free.splice(i, 1, ...rest);
      return at;
    }
    return undefined;
  }

  #grow(size: number): boolean {
    const bytes = Math.ceil(size / CHUNK) * CHUNK;
    if (this.#mapped + bytes > LIMIT) return false;
    this.#space.map(addOffset(this.start, this.#mapped), new Uint8Array(bytes), PAGE_KINDS.RW);
    this.#give(this.#mapped, bytes);
    this.#mapped += bytes;
    return true;
  }

  #give(at: number, size: number): void {
    const next = this.#free.findIndex((range) => range.at > at);
    const index = next === -1 ? this.#free.length : next;
    this.#free.splice(index, 0, { at, size });
    for (const i of [index, index - 1]) {
      const low = this.#free[i];
      const high = this.#free[i + 1];
      if (low === undefined || high === undefined || low.at + low.size !== high.at) continue;
      low.size += high.size;
      this.#free.splice(i + 1, 1);
    }
  }
}

import { type Address, addOffset } from '../base/index.ts';

const PAGE_SIZE = 4096;
/** Pages that one page of bitmap describes; the search grows in these steps. */
const PAGES_PER_BITMAP_PAGE = PAGE_SIZE * 8;

const pagesFor = (bytes: number): number => Math.ceil(bytes / PAGE_SIZE);

/**
 * The allocator of VMAP_XEN, the region for payloads only. Takes the lowest free address and leaves one page free before each allocation, so
 * payloads get the same addresses as on a real host. Counts in pages from the region's start, as Xen does.
 * Source: xen/common/vmap.c, vm_init_type, vm_alloc, vm_free; unchanged from 4.11 on for this purpose.
 */
export class VmapXen {
  readonly start: Address;
  readonly end: Address;
  readonly #end: number;
  /** One byte per page, 1 = used: byte arrays have a native search. */
  readonly #bitmap: Uint8Array;
  /** vm_low: no page below it is free. */
  #low: number;
  /** vm_top: pages that the bitmap describes so far. */
  #top: number;

  constructor(start: Address, end: Address) {
    this.start = start;
    this.end = end;
    this.#end = Number((end - start) / BigInt(PAGE_SIZE));
    // The region's first pages contain the bitmap.
    this.#low = pagesFor(Math.floor((this.#end + 7) / 8));
    // Not clipped to the region's end: on Arm the first bitmap page describes more than the region has.
    this.#top = pagesFor(Math.floor((this.#low + 7) / 8)) * PAGES_PER_BITMAP_PAGE;
    this.#bitmap = new Uint8Array(Math.max(this.#end, this.#top));
    this.#bitmap.fill(1, 0, this.#low);
  }

  /** Allocates `pages` pages; returns `undefined` if there is no room. */
  alloc(pages: number): Address | undefined {
    let start = this.#search(pages);
    while (start === undefined) {
      if (this.#top >= this.#end) return undefined;
      this.#top = Math.min(this.#top + PAGES_PER_BITMAP_PAGE, this.#end);
      start = this.#search(pages);
    }
    this.#bitmap.fill(1, start, start + pages);
    if (start <= this.#low + 2) this.#low = start + pages;
    return addOffset(this.start, start * PAGE_SIZE);
  }

  /** Frees the allocation that starts at `address`. */
  free(address: Address): void {
    let bit = Number((address - this.start) / BigInt(PAGE_SIZE));
    if (bit < this.#low) {
      this.#low = bit - 1;
      while (this.#bitmap[this.#low - 1] === 0) this.#low--;
    }
    while (bit < this.#top && this.#bitmap[bit] === 1) this.#bitmap[bit++] = 0;
  }

  #search(pages: number): number | undefined {
    for (let start = this.#low; start < this.#top; ) {
      const bit = this.#next(1, start + 1);
      start++; // the guard page
      if (bit < this.#top) {
        if (start + pages < bit) return start;
        start = this.#next(0, bit + 1);
      } else {
        if (start + pages <= bit) return start;
        start = bit;
      }
    }
    return undefined;
  }

  #next(value: 0 | 1, from: number): number {
    const found = this.#bitmap.indexOf(value, from);
    return found === -1 || found > this.#top ? this.#top : found;
  }
}

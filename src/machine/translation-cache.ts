import { PAGE_SIZE } from '../arch/index.ts';
import type { Address } from '../base/index.ts';
import type { PageTables, Slot } from './page-tables.ts';
import type { Extent } from './physical-memory.ts';

/** A cached translation. */
export interface CachedPage {
  /** The memory behind the page; `undefined` if its frame has none. */
  readonly extent: Extent | undefined;
  /** Offset of the page in the extent. */
  readonly offset: number;
  readonly write: boolean;
  readonly execute: boolean;
  readonly slot: Slot;
  accessed: boolean;
  dirty: boolean;
}

/** Most translations kept: enough for an image and a hundred payloads. */
const LIMIT = 16384;

/**
 * Recently used translations by page number. Unlike a processor's TLB it is never stale: every change of the tables flushes it. The effect of
 * stale entries on a real host is not simulated.
 */
export class TranslationCache {
  readonly #tables: PageTables;
  readonly #pages = new Map<number, CachedPage>();
  /** Number of pages that the tables distinguish. */
  readonly #pageCount: number;

  constructor(tables: PageTables) {
    this.#tables = tables;
    this.#pageCount = tables.covers(0) * tables.format.entries;
  }

  /**
   * Returns the translation of an address, or why there is none. `page` is `address >> 12`, all 52 bits of it, so that a non-canonical address is
   * never mistaken for another.
   */
  get(page: number, address: Address): CachedPage | 'non-canonical' | 'absent' | 'reserved' {
    const known = this.#pages.get(page);
    if (known !== undefined) return known;
    if (!this.#tables.format.canonical(address)) return 'non-canonical';
    const found = this.#tables.translate(page % this.#pageCount);
    if (typeof found === 'string') return found;
    const extent = this.#tables.memory.extentAt(found.frame);
    const offset = extent === undefined ? 0 : (found.frame - extent.first) * PAGE_SIZE;
    const cached: CachedPage = {
      extent,
      offset,
      write: found.write,
      execute: found.execute,
      slot: found.slot,
      accessed: false,
      dirty: false,
    };
    if (this.#pages.size >= LIMIT) this.#pages.clear();
    this.#pages.set(page, cached);
    return cached;
  }

  /** Marks the leaf entry as the processor does when it uses it. */
  use(page: CachedPage, write: boolean): void {
    const { table, index } = page.slot;
    table[index] = this.#tables.format.used(table[index] as bigint, write);
    page.accessed = true;
    if (write) page.dirty = true;
  }

  flush(): void {
    if (this.#pages.size > 0) this.#pages.clear();
  }
}

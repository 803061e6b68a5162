import type { LeafOptions, PageTableFormat, Permission } from '../arch/index.ts';
import { assert, ensure } from '../base/index.ts';
import type { PhysicalMemory } from './physical-memory.ts';

/** One entry in one table. */
export interface Slot {
  readonly table: BigUint64Array;
  readonly index: number;
  /** Index into the format's levels. */
  readonly level: number;
}

/** The translation of a page number. */
export interface Translation {
  readonly frame: number;
  readonly write: boolean;
  readonly execute: boolean;
  /** The leaf. */
  readonly slot: Slot;
}

/** Consecutive pages with the same permission. */
export interface PageRange {
  readonly first: number;
  readonly pages: number;
  readonly write: boolean;
  readonly execute: boolean;
}

/**
 * A tree of page tables in physical memory, with Xen's operations on it. Addresses are page numbers here: plain numbers, from at most the lower
 * 48 bits of an address, without the page offset.
 */
export class PageTables {
  readonly format: PageTableFormat;
  readonly memory: PhysicalMemory;
  readonly #root: BigUint64Array;
  /** The frame of the top-level table. */
  readonly rootFrame: number;
  /** Small pages covered by one entry of each level. */
  readonly #covers: readonly number[];
  readonly #last: number;

  constructor(format: PageTableFormat, memory: PhysicalMemory) {
    this.format = format;
    this.memory = memory;
    const root = memory.allocateTable();
    this.#root = root.entries;
    this.rootFrame = root.frame;
    this.#last = format.levels.length - 1;
    const smallest = ensure(format.levels[this.#last], 'a page table has levels').shift;
    this.#covers = format.levels.map((level) => 2 ** (level.shift - smallest));
  }

  /** Returns how many small pages one entry of a level covers. */
  covers(level: number): number {
    return this.#covers[level] as number;
  }

  /** Returns a page number's index in the tables of a level. */
  indexAt(page: number, level: number): number {
    return Math.floor(page / this.covers(level)) % this.format.entries;
  }

  /** Yields the slots on the way to a page: down to the leaf, or to the first that is not present. */
  *walk(page: number): Generator<Slot> {
    let table: BigUint64Array | undefined = this.#root;
    for (let level = 0; table !== undefined; level++) {
      const slot: Slot = { table, index: this.indexAt(page, level), level };
      yield slot;
      const entry = read(slot);
      if (!this.format.present(entry) || this.format.isLeaf(entry, level)) return;
      table = this.memory.table(this.format.frameOf(entry));
    }
  }

  /** Returns the translation of a page, or why there is none. */
  translate(page: number): Translation | 'absent' | 'reserved' {
    const format = this.format;
    let write = true;
    let execute = true;
    let table: BigUint64Array | undefined = this.#root;
    for (let level = 0; table !== undefined; level++) {
      const index = this.indexAt(page, level);
      const entry = table[index] as bigint;
      if (!format.present(entry)) return 'absent';
      if (format.reserved(entry)) return 'reserved';
      write &&= format.writable(entry, level);
      execute &&= format.executable(entry, level);
      const frame = format.frameOf(entry);
      if (format.isLeaf(entry, level)) {
        return { frame: frame + (page % this.covers(level)), write, execute, slot: { table, index, level } };
      }
      table = this.memory.table(frame);
    }
    // An entry points to something that is not a table: the processor would read whatever is there.
    return 'reserved';
  }

  /**
   * Returns the slot that maps, or could map, a page without new tables: an entry of the last level, present or not, or a present superpage.
   */
  leafSlot(page: number): Slot | undefined {
    const slot = this.#deepest(page);
    if (slot.level === this.#last) return slot;
    const entry = read(slot);
    return this.format.present(entry) && this.format.isLeaf(entry, slot.level) ? slot : undefined;
  }

  /** Writes an entry into a slot and updates the count of mappings. */
  replace(slot: Slot, entry: bigint): void {
    const format = this.format;
    const covers = this.covers(slot.level);
    const old = read(slot);
    if (format.present(entry)) this.memory.retain(format.frameOf(entry), covers);
    slot.table[slot.index] = entry;
    if (format.present(old) && format.isLeaf(old, slot.level)) this.memory.release(format.frameOf(old), covers);
  }

  /**
   * map_pages_to_xen: maps pages to consecutive frames and replaces earlier mappings. Uses a superpage if both numbers are aligned, enough pages
   * are left and no table is in its place.
   */
  map(
    page: number,
    frame: number,
    pages: number,
    permission: Permission,
    options: LeafOptions,
    superpages: boolean,
  ): void {
    const format = this.format;
    const large = this.#last - 1;
    const covered = this.covers(large);
    for (let done = 0; done < pages; ) {
      const at = page + done;
      if (superpages && at % covered === 0 && (frame + done) % covered === 0 && pages - done >= covered) {
        const slot: Slot = { table: this.#tableFor(at, large), index: this.indexAt(at, large), level: large };
        const entry = read(slot);
        if (!format.present(entry) || format.isLeaf(entry, large)) {
          this.replace(slot, format.superpage(large, frame + done, permission, options));
          done += covered;
          continue;
        }
      }
      const table = this.#tableFor(at, this.#last);
      const first = this.indexAt(at, this.#last);
      const count = Math.min(format.entries - first, pages - done);
      this.memory.retain(frame + done, count);
      for (let i = 0; i < count; i++) {
        const old = table[first + i] as bigint;
        table[first + i] = format.leaf(frame + done + i, permission, options);
        if (format.present(old)) this.memory.release(format.frameOf(old), 1);
      }
      done += count;
    }
  }

  /** vunmap: clears the entries of small pages and of whole superpages; the tables above stay. */
  unmap(page: number, pages: number): void {
    this.#edit(page, pages, (slot) => {
      this.replace(slot, slot.level === this.#last ? this.format.unmapped : 0n);
    });
  }

  /** modify_xen_mappings: changes present entries; shatters superpages that change only in part. */
  protect(page: number, pages: number, permission: Permission): void {
    this.#edit(page, pages, (slot, entry) => {
      if (this.format.present(entry)) slot.table[slot.index] = this.format.withPermission(entry, permission);
    });
  }

  /**
   * modify_xen_mappings_lite within one table: changes the permission in the leaf entry of a large page, which stays whole, or in the entries of
   * up to `pages` small ones, up to the end of their table. Changes entries whether or not they are present.
   *
   * @returns how many pages from `page` on are done; 0 if there is no such entry
   */
  overwritePermission(page: number, pages: number, permission: Permission): number {
    const format = this.format;
    const slot = this.leafSlot(page);
    if (slot === undefined) return 0;
    if (slot.level < this.#last) {
      this.replace(slot, format.withPermission(read(slot), permission));
      const covers = this.covers(slot.level);
      return covers - (page % covers);
    }
    const { table, index, level } = slot;
    const count = Math.min(format.entries - index, pages);
    for (let i = index; i < index + count; i++) {
      const entry = table[i] as bigint;
      const changed = format.withPermission(entry, permission);
      // The frame stays the same: only a newly present entry changes the count.
      if (format.present(entry)) table[i] = changed;
      else this.replace({ table, index: i, level }, changed);
    }
    return count;
  }

  /** Yields all mapped ranges in ascending order; merges neighbours with equal permissions. */
  *ranges(): Generator<PageRange> {
    let open: { first: number; pages: number; write: boolean; execute: boolean } | undefined;
    for (const next of this.#leaves(this.#root, 0, 0, true, true)) {
      if (
        open !== undefined &&
        open.first + open.pages === next.first &&
        open.write === next.write &&
        open.execute === next.execute
      ) {
        open.pages += next.pages;
      } else {
        if (open !== undefined) yield open;
        open = { ...next };
      }
    }
    if (open !== undefined) yield open;
  }

  *#leaves(table: BigUint64Array, level: number, base: number, write: boolean, execute: boolean): Generator<PageRange> {
    const format = this.format;
    const covers = this.covers(level);
    for (let index = 0; index < table.length; index++) {
      const entry = table[index] as bigint;
      if (entry === 0n || !format.present(entry) || format.reserved(entry)) continue;
      const first = base + index * covers;
      const mayWrite = write && format.writable(entry, level);
      const mayExecute = execute && format.executable(entry, level);
      if (format.isLeaf(entry, level)) {
        yield { first, pages: covers, write: mayWrite, execute: mayExecute };
        continue;
      }
      const next = this.memory.table(format.frameOf(entry));
      if (next !== undefined) yield* this.#leaves(next, level + 1, first, mayWrite, mayExecute);
    }
  }

  /** Returns the last slot of a {@link walk}. */
  #deepest(page: number): Slot {
    let table = this.#root;
    for (let level = 0; ; level++) {
      const index = this.indexAt(page, level);
      const entry = table[index] as bigint;
      const next =
        this.format.present(entry) && !this.format.isLeaf(entry, level)
          ? this.memory.table(this.format.frameOf(entry))
          : undefined;
      if (next === undefined) return { table, index, level };
      table = next;
    }
  }

  /** Calls `change` with every existing leaf slot of the range; shatters a superpage that extends beyond it. */
  #edit(page: number, pages: number, change: (slot: Slot, entry: bigint) => void): void {
    const end = page + pages;
    for (let at = page; at < end; ) {
      const slot = this.#deepest(at);
      const { table, level } = slot;
      const covers = this.covers(level);
      const next = at - (at % covers) + covers;
      if (level === this.#last) {
        const first = this.indexAt(at, level);
        const count = Math.min(this.format.entries - first, end - at);
        for (let i = 0; i < count; i++) change({ table, index: first + i, level }, table[first + i] as bigint);
        at += count;
      } else if (!this.format.present(read(slot))) {
        at = next;
      } else if (at % covers === 0 && next <= end) {
        change(slot, read(slot));
        at = next;
      } else {
        this.#shatter(slot);
      }
    }
  }

  /** Returns the table of a level for a page's entry; creates missing tables and shatters superpages in the way. */
  #tableFor(page: number, level: number): BigUint64Array {
    let table = this.#root;
    for (let above = 0; above < level; above++) {
      const slot: Slot = { table, index: this.indexAt(page, above), level: above };
      const entry = read(slot);
      if (!this.format.present(entry)) {
        const made = this.memory.allocateTable();
        table[slot.index] = this.format.table(made.frame);
        table = made.entries;
      } else if (this.format.isLeaf(entry, above)) {
        table = this.#shatter(slot);
      } else {
        table = ensure(this.memory.table(this.format.frameOf(entry)), 'a table entry points to a table');
      }
    }
    return table;
  }

  #shatter(slot: Slot): BigUint64Array {
    const entry = read(slot);
    assert(this.format.isLeaf(entry, slot.level) && slot.level < this.#last, 'only a superpage can be shattered');
    const made = this.memory.allocateTable();
    for (let i = 0; i < this.format.entries; i++) made.entries[i] = this.format.shattered(entry, slot.level, i);
    slot.table[slot.index] = this.format.table(made.frame);
    return made.entries;
  }
}

const read = (slot: Slot): bigint => slot.table[slot.index] as bigint;

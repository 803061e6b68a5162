import { PAGE_SIZE, type PageTableFormat, type Permission } from '../arch/index.ts';
import { type Address, addOffset, assert, latin1, u64, viewOf } from '../base/index.ts';
import { digestOf } from './digest.ts';
import { MemoryFault } from './fault.ts';
import { Journal } from './journal.ts';
import type { MapOptions, MappedPiece, MappedRange, WalkStep } from './mapping.ts';
import { PageTables } from './page-tables.ts';
import type { PhysicalMemory } from './physical-memory.ts';
import { type CachedPage, TranslationCache } from './translation-cache.ts';

/** `clean` is cache maintenance by address: it needs a readable mapping, and its faults are reported as writes. */
type AccessKind = 'read' | 'write' | 'fetch' | 'clean';

/** Called with the part of a memory's bytes that has been written. */
export type WriteWatcher = (bytes: Uint8Array, offset: number, length: number) => void;

/** The last page of the 64-bit address space. */
const LAST_PAGE = 2 ** 52 - 1;

/** Value of a load from a frame without memory. */
const BUS_FLOAT = 0xff;

/**
 * The hypervisor's address space: memory behind real page tables of the architecture's format.
 *
 * `read…`, `write…` and `fetch` behave like the processor in supervisor mode and throw a {@link MemoryFault}. All other methods behave like the
 * hypervisor's memory management, or like a debugger, and never fault.
 */
export class AddressSpace {
  readonly format: PageTableFormat;
  readonly memory: PhysicalMemory;
  readonly journal = new Journal();
  /** CR0.WP: while false, writes ignore the writable bit. */
  writeProtect = true;
  #generation = 0;
  readonly #watchers = new Set<WriteWatcher>();
  readonly #tables: PageTables;
  readonly #cache: TranslationCache;
  /** Address bits that the tables translate. */
  readonly #bits: number;

  constructor(format: PageTableFormat, memory: PhysicalMemory) {
    this.format = format;
    this.memory = memory;
    this.#tables = new PageTables(format, memory);
    this.#cache = new TranslationCache(this.#tables);
    this.#bits = (format.levels[0]?.shift ?? 0) + Math.log2(format.entries);
  }

  /** The frame of the top-level page table. */
  get rootFrame(): number {
    return this.#tables.rootFrame;
  }

  /** Changes with every change of the page tables. */
  get generation(): number {
    return this.#generation;
  }

  /** Reports every write from now on: those made here and those announced. Returns a function that stops the reports. */
  watchWrites(watcher: WriteWatcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Reports that a holder of the memory's own bytes has, or may have, written there. */
  announceWrite(bytes: Uint8Array, offset: number, length: number): void {
    for (const watcher of this.#watchers) watcher(bytes, offset, length);
  }

  // ---- memory management

  /** Whether these addresses can be mapped: they must be whole pages and canonical. */
  mappable(start: Address, length: number): boolean {
    if (length <= 0 || length % PAGE_SIZE !== 0 || start % BigInt(PAGE_SIZE) !== 0n) return false;
    const end = start + BigInt(length) - 1n;
    // If both ends are canonical and at most half the space apart, so is everything between them.
    return (
      length < 2 ** (this.#bits - 1) && end < 1n << 64n && this.format.canonical(start) && this.format.canonical(end)
    );
  }

  /**
   * Maps bytes in place: they stay the caller's and become the machine's memory. Takes frames for them and frees these with the last mapping.
   * Replaces earlier mappings. The range must be {@link mappable}.
   */
  map(start: Address, backing: Uint8Array, permission: Permission, options: MapOptions = {}): void {
    assert(this.mappable(start, backing.length), `${backing.length} bytes cannot be mapped at ${start.toString(16)}`);
    const page = this.#page(start);
    const superpages = options.superpages === true;
    const large = this.#tables.covers(this.format.levels.length - 2);
    const extent = this.memory.allocate(backing, superpages ? large : 1, superpages ? page % large : 0);
    this.#tables.map(page, extent.first, extent.frames, permission, options, superpages);
    this.#changed();
  }

  /**
   * Maps the memory at `source` a second time: Arm patches its text through such an alias.
   *
   * @returns false, without any effect, if a page at `source` is not mapped
   */
  alias(start: Address, source: Address, pages: number, permission: Permission): boolean {
    assert(this.mappable(start, pages * PAGE_SIZE), `${pages} pages cannot be mapped at ${start.toString(16)}`);
    if (!this.mappable(source, pages * PAGE_SIZE)) return false;
    const frames: number[] = [];
    for (let i = 0; i < pages; i++) {
      const found = this.#tables.translate(this.#page(source) + i);
      if (typeof found === 'string') return false;
      frames.push(found.frame);
    }
    const page = this.#page(start);
    for (const [i, frame] of frames.entries()) this.#tables.map(page + i, frame, 1, permission, {}, false);
    this.#changed();
    return true;
  }

  /**
   * Unmaps pages as Xen's vunmap does: the tables above stay, and entries become {@link PageTableFormat.unmapped}. Compare hosts by
   * {@link digest}, which covers only mapped memory. Skips pages that are not mapped.
   */
  unmap(start: Address, pages: number): void {
    assert(this.mappable(start, pages * PAGE_SIZE), `${pages} pages cannot be unmapped at ${start.toString(16)}`);
    this.#tables.unmap(this.#page(start), pages);
    this.#changed();
  }

  /** modify_xen_mappings: changes the permissions of mapped pages; shatters large pages if necessary. */
  protect(start: Address, pages: number, permission: Permission): void {
    assert(this.mappable(start, pages * PAGE_SIZE), `${pages} pages cannot be changed at ${start.toString(16)}`);
    this.#tables.protect(this.#page(start), pages, permission);
    this.#changed();
  }

  /**
   * modify_xen_mappings_lite within one table: changes the permission in the entry of the large page at `start`, or in those of up to `pages`
   * small pages from there to the end of their table. An entry that is not present becomes present and maps whatever it contains.
   *
   * @returns how many pages from `start` on are done; 0 if there is no entry for it
   */
  overwritePermission(start: Address, pages: number, permission: Permission): number {
    if (!this.format.canonical(start)) return 0;
    const done = this.#tables.overwritePermission(this.#page(start), pages, permission);
    this.#changed();
    return done;
  }

  /**
   * Returns the entry that maps an address, large or small, or the slot of the last level that would, present or not. `undefined` without a
   * table for it.
   */
  leafEntry(address: Address): bigint | undefined {
    const slot = this.format.canonical(address) ? this.#tables.leafSlot(this.#page(address)) : undefined;
    return slot?.table[slot.index];
  }

  /** Bytes of a large page: what one entry of the last level but one maps. */
  get superpageSize(): bigint {
    return BigInt(this.#tables.covers(this.format.levels.length - 2) * PAGE_SIZE);
  }

  /** Whether the entry that {@link leafEntry} returns maps a large page. */
  leafIsSuperpage(address: Address): boolean {
    const slot = this.format.canonical(address) ? this.#tables.leafSlot(this.#page(address)) : undefined;
    return slot !== undefined && slot.level < this.format.levels.length - 1;
  }

  /**
   * Overwrites the entry that {@link leafEntry} returns with any value. A frame that loses its last mapping loses its memory.
   *
   * @returns false, without any effect, if there is no such entry or a large page would become a table
   */
  setLeafEntry(address: Address, entry: bigint): boolean {
    const slot = this.format.canonical(address) ? this.#tables.leafSlot(this.#page(address)) : undefined;
    if (slot === undefined) return false;
    if (this.format.present(entry) && !this.format.isLeaf(entry, slot.level)) return false;
    this.#tables.replace(slot, u64(entry));
    this.#changed();
    return true;
  }

  /** Returns all levels down to the leaf, or to the first entry that is not present. Empty for a non-canonical address. */
  walk(address: Address): readonly WalkStep[] {
    if (!this.format.canonical(address)) return [];
    const steps: WalkStep[] = [];
    const last = this.format.levels.length - 1;
    for (const { table, index, level } of this.#tables.walk(this.#page(address))) {
      const entry = table[index] as bigint;
      const superpage = level < last && this.format.present(entry) && this.format.isLeaf(entry, level);
      steps.push({ level: this.format.levels[level]?.name ?? '', index, entry, superpage });
    }
    return steps;
  }

  /** Returns the processor's permission at an address; `undefined` if it is not mapped. */
  permissionAt(address: Address): Permission | undefined {
    if (!this.format.canonical(address)) return undefined;
    const found = this.#tables.translate(this.#page(address));
    return typeof found === 'string' ? undefined : { write: found.write, execute: found.execute };
  }

  /** Yields all mapped ranges in ascending order; merges neighbours with equal permissions. */
  *mapped(): Generator<MappedRange> {
    for (const { first, pages, write, execute } of this.#tables.ranges()) {
      const start = this.format.canonicalise(BigInt(first) * BigInt(PAGE_SIZE));
      yield { start, pages, permission: { write, execute } };
    }
  }

  /**
   * Returns the bytes themselves if `[address, address + length)` is mapped and contiguous in memory. Checks no permission, records nothing.
   */
  span(address: Address, length: number): Uint8Array | undefined {
    const page = Number(address >> 12n);
    const first = this.#cache.get(page, address);
    if (typeof first === 'string' || first.extent === undefined) return undefined;
    const start = first.offset + Number(address & 0xfffn);
    const end = start + length;
    if (end > first.extent.bytes.length) return undefined;
    for (let i = 1, at = first.offset + PAGE_SIZE; at < end; i++, at += PAGE_SIZE) {
      if (page + i > LAST_PAGE) return undefined;
      const next = this.#cache.get(page + i, addOffset(address, i * PAGE_SIZE));
      if (typeof next === 'string' || next.extent !== first.extent || next.offset !== at) return undefined;
    }
    return first.extent.bytes.subarray(start, end);
  }

  /** Yields all mapped memory in ascending order, except frames without memory. */
  *pieces(): Generator<MappedPiece> {
    for (const { start, pages, permission } of this.mapped()) {
      let open: { from: number; bytes: Uint8Array } | undefined;
      for (let page = 0; page <= pages; page++) {
        const next = page === pages ? undefined : this.span(addOffset(start, page * PAGE_SIZE), PAGE_SIZE);
        if (open !== undefined && next !== undefined && follows(open.bytes, next)) {
          open.bytes = new Uint8Array(open.bytes.buffer, open.bytes.byteOffset, open.bytes.length + PAGE_SIZE);
          continue;
        }
        if (open !== undefined) yield { start: addOffset(start, open.from * PAGE_SIZE), bytes: open.bytes, permission };
        open = next === undefined ? undefined : { from: page, bytes: next };
      }
    }
  }

  /**
   * Returns a value that is equal for equal machines: it covers addresses, permissions and bytes of all mapped memory, but not frames or the
   * shape of the tables, and not pages that begin in one of the ranges to leave out. Not cryptographic.
   */
  digest(leftOut: readonly { readonly start: Address; readonly end: Address }[] = []): string {
    const counts = ({ start }: MappedRange): boolean =>
      !leftOut.some((range) => start >= range.start && start < range.end);
    return digestOf(filtered(this.mapped(), counts), (address) => this.span(address, PAGE_SIZE));
  }

  // ---- the processor

  /** Returns a copy of `length` bytes. Faults at the first unreadable byte. */
  read(address: Address, length: number): Uint8Array {
    // Check first: a wild length must fault before anything is allocated for it.
    for (let at = 0; at < length; ) at += this.#access(addOffset(address, at), 'read').left;
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      const { page, offset, left } = this.#access(addOffset(address, at), 'read');
      const count = Math.min(left, length - at);
      if (page.extent === undefined) bytes.fill(BUS_FLOAT, at, at + count);
      else bytes.set(page.extent.bytes.subarray(offset, offset + count), at);
      at += count;
    }
    return bytes;
  }

  readU8(address: Address): number {
    const { page, offset } = this.#access(address, 'read');
    return page.extent === undefined ? BUS_FLOAT : page.extent.view.getUint8(offset);
  }

  readU32(address: Address): number {
    const { page, offset, left } = this.#access(address, 'read');
    if (left < 4 || page.extent === undefined) return viewOf(this.read(address, 4)).getUint32(0, true);
    return page.extent.view.getUint32(offset, true);
  }

  readU64(address: Address): bigint {
    const { page, offset, left } = this.#access(address, 'read');
    if (left < 8 || page.extent === undefined) return viewOf(this.read(address, 8)).getBigUint64(0, true);
    return page.extent.view.getBigUint64(offset, true);
  }

  /** Reads a string up to a NUL, one character per byte, at most `max` characters. */
  readCString(address: Address, max: number): string {
    let text = '';
    while (text.length < max) {
      const { page, offset, left } = this.#access(addOffset(address, text.length), 'read');
      const count = Math.min(left, max - text.length);
      const bytes = page.extent?.bytes.subarray(offset, offset + count) ?? new Uint8Array(count).fill(BUS_FLOAT);
      const end = bytes.indexOf(0);
      text += latin1(end === -1 ? bytes : bytes.subarray(0, end));
      if (end !== -1) break;
    }
    return text;
  }

  /** Writes like a processor's memcpy: bytes before the faulting page are written by then. */
  write(address: Address, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const to = addOffset(address, at);
      const { page, offset, left } = this.#access(to, 'write');
      const count = Math.min(left, bytes.length - at);
      const extent = page.extent;
      if (extent !== undefined) {
        const target = extent.bytes.subarray(offset, offset + count);
        const piece = bytes.subarray(at, at + count);
        if (this.journal.recording) this.journal.record(to, target, piece);
        target.set(piece);
        if (this.#watchers.size > 0) this.announceWrite(extent.bytes, offset, count);
      }
      at += count;
    }
  }

  /** Writes like one store instruction: everything or, if any byte faults, nothing. */
  store(address: Address, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += this.#access(addOffset(address, at), 'write').left;
    this.write(address, bytes);
  }

  /** Fetches an instruction's byte; faults if it is not executable. */
  fetch(address: Address): void {
    this.#access(address, 'fetch');
  }

  /** Faults if an access of that many bytes would. Reads and writes nothing. */
  check(address: Address, length: number, kind: AccessKind): void {
    for (let at = 0; at < length; ) at += this.#access(addOffset(address, at), kind).left;
  }

  #changed(): void {
    this.#generation++;
    this.#cache.flush();
  }

  /** Checks one access within one page. `offset` is that of the address in its extent, `left` counts to the page's end. */
  #access(address: Address, kind: AccessKind): { page: CachedPage; offset: number; left: number } {
    const page = this.#cache.get(Number(address >> 12n), address);
    if (typeof page === 'string') throw this.#fault(address, kind, page);
    const write = kind === 'write';
    if ((write && !page.write && this.writeProtect) || (kind === 'fetch' && !page.execute)) {
      throw this.#fault(address, kind, 'forbidden');
    }
    if (!page.accessed || (write && !page.dirty)) this.#cache.use(page, write);
    const inPage = Number(address & 0xfffn);
    return { page, offset: page.offset + inPage, left: PAGE_SIZE - inPage };
  }

  #fault(address: Address, kind: AccessKind, why: 'non-canonical' | 'absent' | 'reserved' | 'forbidden'): MemoryFault {
    const beyond = why === 'non-canonical';
    if (beyond && this.format.nonCanonical === 'general-protection') {
      return new MemoryFault({ kind: 'general-protection', address });
    }
    const errorCode = this.format.faultCode({
      level: beyond ? 0 : this.#depth(address),
      present: why !== 'absent' && !beyond,
      write: kind === 'write' || kind === 'clean',
      fetch: kind === 'fetch',
      maintenance: kind === 'clean',
      user: false,
      reserved: why === 'reserved',
    });
    return new MemoryFault({ kind: 'page-fault', address, errorCode });
  }

  /** Returns the last level that a walk to this address reads. */
  #depth(address: Address): number {
    let depth = 0;
    for (const { level } of this.#tables.walk(this.#page(address))) depth = level;
    return this.format.rootFilled ? Math.max(depth, 1) : depth;
  }

  /** Returns the page number of a canonical address, as the tables count pages. */
  #page(address: Address): number {
    return Number(BigInt.asUintN(this.#bits, address) >> 12n);
  }
}

const follows = (before: Uint8Array, after: Uint8Array): boolean =>
  before.buffer === after.buffer && before.byteOffset + before.length === after.byteOffset;

function* filtered<T>(all: Iterable<T>, counts: (each: T) => boolean): Generator<T> {
  for (const each of all) if (counts(each)) yield each;
}

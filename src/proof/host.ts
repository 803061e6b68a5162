import { implicitAddend, type RelocationRow } from '../arch/index.ts';
import { type Address, toNumber, viewOf } from '../base/index.ts';
import {
  type ElfSection,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_WRITE,
  SHN_UNDEF,
  SHT_NOBITS,
  SHT_RELA,
  STB_LOCAL,
  STT_FILE,
  STT_SECTION,
} from '../elf/index.ts';
import type { Image } from '../hypervisor/index.ts';
import type { PayloadFile } from '../payload/index.ts';
import type { Release } from '../xen/index.ts';
import type { Table } from './tables.ts';

/**
 * A place of the host with the payload loaded: an address of the image, or for the payload, which has no address yet, its section and offset above
 * all addresses. Distances inside of a section are exact.
 */
export type HostPlace = bigint;

const PAYLOAD = 1n << 80n;
const SECTION_BITS = 44n;

const payloadPlace = (section: number, offset: number): HostPlace =>
  PAYLOAD + (BigInt(section) << SECTION_BITS) + BigInt(offset);

/** Tells whether a place is in the payload. */
export const inPayload = (place: HostPlace): boolean => place >= PAYLOAD >> 1n;

/** Bits of an address that a field of linked code says, and their value. */
export interface Partial64 {
  readonly mask: bigint;
  readonly value: bigint;
}

const FULL: bigint = -1n;
const PAGE = 0xfffn;

/** Tells whether what fields say together is a whole address. */
export const isWhole = ({ mask }: Partial64): boolean =>
  mask === FULL || (mask & ((1n << 64n) - 1n)) === (1n << 64n) - 1n;

/** A symbol of the image. */
export interface ImageSymbol {
  readonly name: string;
  readonly address: Address;
  readonly size: number;
  readonly bind: number;
  readonly file: string | undefined;
}

/** A relocation of the payload. */
interface PayloadReference {
  readonly offset: number;
  readonly row: RelocationRow;
  readonly symbol: number;
  readonly addend: number;
}

/** The hypervisor's image, and the payload where there is one. */
export class Host {
  readonly image: Image;
  readonly release: Release;
  readonly payload: PayloadFile | undefined;
  readonly #references = new Map<number, ReadonlyMap<number, PayloadReference> | string>();
  readonly #symbols = new Map<string, ImageSymbol[]>();
  readonly #files = new Set<string>();
  readonly #sites = new Map<Table, readonly { readonly site: HostPlace; readonly entry: HostPlace }[]>();
  readonly #sections: readonly { readonly start: Address; readonly end: Address; readonly section: ElfSection }[];

  constructor(image: Image, release: Release, payload: PayloadFile | undefined) {
    this.image = image;
    this.release = release;
    this.payload = payload;
    this.#sections = image.elf.sections
      .filter(({ flags, size }) => (flags & SHF_ALLOC) !== 0 && size > 0)
      .map((section) => ({ start: section.addr, end: section.addr + BigInt(section.size), section }));
    const { symbols } = image.elf;
    let file: string | undefined;
    for (let i = 1; i < symbols.count; i++) {
      const type = symbols.type(i);
      if (type === STT_FILE) {
        file = symbols.name(i) || undefined;
        if (file !== undefined) this.#files.add(file);
        continue;
      }
      if (type === STT_SECTION || symbols.shndx(i) === SHN_UNDEF) continue;
      const bind = symbols.bind(i);
      const own = { name: symbols.name(i), address: symbols.value(i), size: symbols.size(i), bind };
      const symbol = { ...own, file: bind === STB_LOCAL ? file : undefined };
      const known = this.#symbols.get(symbol.name);
      if (known === undefined) this.#symbols.set(symbol.name, [symbol]);
      else known.push(symbol);
    }
  }

  /** Has the image static symbols of this source? */
  hasFile(file: string): boolean {
    return this.#files.has(file);
  }

  /** Returns the global symbol of that name. */
  global(name: string): ImageSymbol | undefined {
    return this.#symbols.get(name)?.find(({ bind }) => bind !== STB_LOCAL);
  }

  /** Returns the static symbols of that name in a source. */
  statics(file: string, name: string): readonly ImageSymbol[] {
    return (this.#symbols.get(name) ?? []).filter((symbol) => symbol.bind === STB_LOCAL && symbol.file === file);
  }

  /** Returns the size of what the image's symbols say to start at an address. */
  sizeAt(name: string, address: Address): number | undefined {
    return (this.#symbols.get(name) ?? []).find((symbol) => symbol.address === address && symbol.size > 0)?.size;
  }

  /** Is the address in what Xen frees after boot? */
  isInit(address: Address): boolean {
    return this.image.regions.some(({ name, start, end }) => name === 'init' && address >= start && address < end);
  }

  /** Returns where a place is, for messages: `at 0x…`, or the section of the payload. */
  where(place: HostPlace): string {
    if (inPayload(place)) return `in ${this.section(place)?.name ?? 'no section'} of the payload`;
    return `at 0x${BigInt.asUintN(64, place).toString(16)}`;
  }

  /** Returns what is at a place, for messages: its symbol in the image. */
  nameOf(place: HostPlace): string {
    const symbol = inPayload(place) ? undefined : this.image.symbolsFor(this.release).at(place);
    if (symbol === undefined) return `something ${this.where(place)}`;
    return symbol.at === 0 ? symbol.name : `${symbol.name}+0x${symbol.at.toString(16)}`;
  }

  /** Returns `length` bytes at a place, zeroes where a section has none in the file; `undefined` outside of everything that is loaded. */
  bytes(place: HostPlace, length: number): Uint8Array | undefined {
    const found = this.#locate(place, length);
    if (found === undefined) return undefined;
    const { section, offset } = found;
    if (section.type === SHT_NOBITS) return new Uint8Array(length);
    const bytes = section.data().subarray(offset, offset + length);
    return bytes.length === length ? bytes : undefined;
  }

  /** Returns the section around a place. */
  section(place: HostPlace): ElfSection | undefined {
    return this.#locate(place, 0)?.section;
  }

  /** Is the place in memory that is mapped for code, or for data that can be written? */
  isMapped(place: HostPlace, as: 'code' | 'state'): boolean {
    if (!inPayload(place)) return this.#locate(place, 0) !== undefined;
    const flags = this.section(place)?.flags ?? 0;
    const wanted = as === 'code' ? SHF_EXECINSTR : SHF_WRITE;
    return (flags & (SHF_EXECINSTR | SHF_WRITE)) === wanted;
  }

  #locate(place: HostPlace, length: number): { section: ElfSection; offset: number } | undefined {
    if (inPayload(place)) {
      const rest = place - PAYLOAD;
      if (rest < 0n) return undefined;
      const section = this.payload?.elf.sections[Number(rest >> SECTION_BITS)];
      const offset = Number(rest & ((1n << SECTION_BITS) - 1n));
      if (section === undefined || section.index === 0 || (section.flags & SHF_ALLOC) === 0) return undefined;
      return offset + length <= section.size ? { section, offset } : undefined;
    }
    for (const { start, end, section } of this.#sections) {
      if (place >= start && place + BigInt(length) <= end) return { section, offset: Number(place - start) };
    }
    return undefined;
  }

  /** Returns the offsets, counted from `place`, of the payload's relocations in `length` bytes; `undefined` in the image, a text where they are damaged. */
  relocationsAt(place: HostPlace, length: number): ReadonlyMap<number, RelocationRow> | string | undefined {
    if (!inPayload(place)) return undefined;
    const found = this.#locate(place, length);
    if (found === undefined) return 'outside of every section';
    const all = this.#payloadReferences(found.section.index);
    if (typeof all === 'string') return all;
    const inside = new Map<number, RelocationRow>();
    for (const { offset, row } of all.values()) {
      if (offset + row.width > found.offset && offset < found.offset + length) inside.set(offset - found.offset, row);
    }
    return inside;
  }

  #payloadReferences(section: number): ReadonlyMap<number, PayloadReference> | string {
    let known = this.#references.get(section);
    if (known === undefined) {
      known = this.#readReferences(section);
      this.#references.set(section, known);
    }
    return known;
  }

  #readReferences(section: number): ReadonlyMap<number, PayloadReference> | string {
    const found = new Map<number, PayloadReference>();
    const { elf } = this.payload as PayloadFile;
    for (const table of elf.relocationsOf(section)) {
      if (table.section.type !== SHT_RELA) return 'relocations without addends';
      for (let i = 0; i < table.count; i++) {
        const row = this.image.arch.relocations.get(table.type(i));
        const addend = toNumber(table.addend(i));
        if (row === undefined || addend === undefined)
          return `relocation type ${table.type(i)}, which Xen does not apply`;
        if (row.width === 0) continue;
        const offset = table.offset(i);
        if (found.has(offset)) return 'two relocations in one place';
        found.set(offset, { offset, row, symbol: table.symbol(i), addend });
      }
    }
    return found;
  }

  /**
   * Returns what a field of `row` at a place says of S + A: all of it in the payload, for linked code as much as the field holds. A text says why it
   * cannot be told.
   */
  field(place: HostPlace, row: RelocationRow): Partial64 | string {
    return inPayload(place) ? this.#relocated(place) : this.#linked(place, row);
  }

  #relocated(place: HostPlace): Partial64 | string {
    const found = this.#locate(place, 0);
    const all = found && this.#payloadReferences(found.section.index);
    if (all === undefined || typeof all === 'string') return all ?? 'outside of every section';
    const reference = all.get((found as { offset: number }).offset);
    if (reference === undefined) return 'no relocation';
    const base = this.#symbol(reference.symbol);
    return typeof base === 'string' ? base : { mask: FULL, value: base + BigInt(reference.addend) };
  }

  /** Returns where Xen puts a symbol of the payload. Source: xen/common/livepatch_elf.c, livepatch_elf_resolve_symbols. */
  #symbol(index: number): HostPlace | string {
    const { symbols, sections } = (this.payload as PayloadFile).elf;
    if (index <= 0 || index >= symbols.count) return 'a relocation without a symbol';
    const name = symbols.name(index);
    const section = symbols.sectionIndex(index);
    if (section !== undefined) {
      const value = toNumber(symbols.value(index));
      if (sections[section] === undefined || value === undefined || value > 2 ** 40) return `${name} is nowhere`;
      return payloadPlace(section, value);
    }
    if (symbols.shndx(index) !== SHN_UNDEF) return `${name} has no section`;
    const address = this.resolve(name);
    return address ?? `the hypervisor has no ${name}`;
  }

  /** Returns what Xen resolves a name to. */
  resolve(name: string): Address | undefined {
    return this.image.symbolsFor(this.release).byName(name) || undefined;
  }

  #linked(place: Address, row: RelocationRow): Partial64 | string {
    const bytes = this.bytes(place, row.width);
    if (bytes === undefined) return 'outside of the image';
    const view = viewOf(bytes);
    if (row.field === null) {
      const value =
        row.width === 8
          ? view.getBigInt64(0, true)
          : BigInt(row.width === 4 ? view.getInt32(0, true) : view.getInt16(0, true));
      if (row.relative === 'place') return { mask: FULL, value: place + value };
      if (row.relative === 'no' && row.width === 8) return { mask: FULL, value: BigInt.asUintN(64, value) };
      return `${row.name} does not hold a whole address`;
    }
    if (row.field.encoding !== 'replace') return `${row.name} cannot be read back`;
    const value = BigInt(implicitAddend(row, view.getUint32(0, true)));
    if (row.relative === 'place' && row.field.lsb + row.field.bits >= 16) return { mask: FULL, value: place + value };
    if (row.relative === 'page') return { mask: ~PAGE, value: (place & ~PAGE) + value };
    if (row.relative !== 'no') return `${row.name} cannot be read back`;
    // A part of an address: the alignment of what is loaded, which the linker checks, makes the lowest bits 0.
    const top = BigInt(row.field.lsb + row.field.bits);
    const low = row.field.lsb < 12 ? 0n : BigInt(row.field.lsb);
    const mask = ((1n << top) - 1n) & ~((1n << low) - 1n);
    return { mask, value: value & mask };
  }

  /** Returns the entries of a table whose code lies in `[start, end)`, by the place of that code. */
  entries(
    table: Table,
    start: HostPlace,
    end: HostPlace,
  ): readonly { readonly site: HostPlace; readonly entry: HostPlace }[] {
    let all = this.#sites.get(table);
    if (all === undefined) {
      all = [...this.#imageEntries(table), ...this.#payloadEntries(table)].sort((a, b) =>
        a.site < b.site ? -1 : a.site > b.site ? 1 : a.entry < b.entry ? -1 : 1,
      );
      this.#sites.set(table, all);
    }
    const list = all;
    let low = 0;
    for (let high = list.length; low < high; ) {
      const middle = (low + high) >>> 1;
      if ((list[middle] as { site: HostPlace }).site < start) low = middle + 1;
      else high = middle;
    }
    const found = [];
    for (let i = low; i < list.length && (list[i] as { site: HostPlace }).site < end; i++)
      found.push(list[i] as (typeof list)[number]);
    return found;
  }

  *#imageEntries({
    starts,
    stop,
    entrySize,
    fromEntry,
  }: Table): Generator<{ site: HostPlace; entry: HostPlace }, void, void> {
    const from = starts.map((name) => this.image.linker(name)).find((address) => address !== undefined);
    const to = this.image.linker(stop);
    if (from === undefined || to === undefined) return;
    const bytes = this.image.bytes(from, Math.max(0, Number(to - from)));
    const view = viewOf(bytes);
    const shift = this.#shift(fromEntry);
    for (let at = 0; at + entrySize <= bytes.length; at += entrySize) {
      const entry = from + BigInt(at);
      yield { entry, site: entry + BigInt((view.getInt32(at, true) << shift) >> shift) };
    }
  }

  *#payloadEntries({
    section: name,
    entrySize,
    fromEntry,
  }: Table): Generator<{ site: HostPlace; entry: HostPlace }, void, void> {
    for (const section of this.payload?.elf.sections ?? []) {
      if (section.name !== name) continue;
      for (let at = 0; at + entrySize <= section.size; at += entrySize) {
        const entry = payloadPlace(section.index, at);
        const site = this.site(entry, fromEntry, 0);
        if (typeof site !== 'string') yield { entry, site };
      }
    }
  }

  /** Bits of a bug frame's displacement that are those of a line. */
  #shift(fromEntry: boolean): number {
    return fromEntry && this.image.arch.objects?.bugFrameLine === null ? 8 : 0;
  }

  /** Returns where the displacement at byte `at` of a table's entry leads; a text where that cannot be told. */
  site(entry: HostPlace, fromEntry: boolean, at: number): HostPlace | string {
    const shift = at < 8 ? this.#shift(fromEntry) : 0;
    const place = entry + BigInt(at);
    if (!inPayload(entry)) {
      const bytes = this.bytes(place, 4);
      if (bytes === undefined) return 'outside of the image';
      return (fromEntry ? entry : place) + BigInt((viewOf(bytes).getInt32(0, true) << shift) >> shift);
    }
    const found = this.#locate(place, 4);
    const all = found && this.#payloadReferences(found.section.index);
    if (all === undefined || typeof all === 'string') return all ?? 'outside of every section';
    const reference = all.get((found as { offset: number }).offset);
    if (reference === undefined) return 'no relocation';
    const base = this.#symbol(reference.symbol);
    if (typeof base === 'string') return base;
    return base + BigInt(((reference.addend << shift) >> shift) - (fromEntry ? at : 0));
  }
}

/** Puts together what several fields say of one address; `undefined` where they contradict each other. */
export function joined(a: Partial64, b: Partial64): Partial64 | undefined {
  const both = a.mask & b.mask;
  if ((a.value & both) !== (b.value & both)) return undefined;
  return { mask: a.mask | b.mask, value: (a.value & a.mask) | (b.value & b.mask) };
}

export const placeOf = payloadPlace;

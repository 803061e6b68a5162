import { lowWord } from '../base/index.ts';
import { SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, type Shdr } from '../elf/index.ts';
import { PAGE_SIZE } from '../xen/index.ts';

/**
 * Which pages a section of a payload gets, and where in them it goes: the arithmetic of Xen's move_payload without the
 * moving. Source: xen/common/livepatch.c, move_payload and calc_section.
 */

/** Pages of a loaded payload: RX, RW and RO. */
export type PageKind = 'text' | 'rw' | 'ro';

/** What happens to a section: it gets a page kind, it is not loaded, or the payload is refused because of it. */
export type SectionKind = PageKind | 'ignored' | 'refused';

const KIND_BY_ACCESS: Readonly<Record<number, SectionKind>> = {
  0: 'ro',
  [SHF_WRITE]: 'rw',
  [SHF_EXECINSTR]: 'text',
  [SHF_WRITE | SHF_EXECINSTR]: 'refused',
};

/** The kind by the low word of `sh_flags` alone: names and types do not matter to Xen. */
export const classifySection = (flags: number): SectionKind =>
  (flags & SHF_ALLOC) === 0 ? 'ignored' : (KIND_BY_ACCESS[flags & (SHF_WRITE | SHF_EXECINSTR)] as SectionKind);

/** The header fields that decide; a section header of either class has them. */
export type PlaceableHeader = Pick<Shdr, 'sh_flags' | 'sh_size' | 'sh_addralign'>;

export interface PlacementRules {
  readonly pointerSize: 4 | 8;
  /** `Release.emptySectionsPlaced`: releases without it do not load sections of size 0. */
  readonly emptySectionsPlaced: boolean;
}

export interface SectionPlace {
  readonly kind: SectionKind;
  /**
   * Bytes from the start of its region. Xen keeps 32 bits of it (`unsigned int *offset`), and so does this. 0 for
   * sections without a region.
   */
  readonly offset: number;
}

/**
 * Where everything goes, before there is an address. Sizes are Xen's `size_t`, raw: headers that no loader would accept
 * can make them anything up to 2^64 - 1, or 2^32 - 1 with 32-bit pointers, and they wrap as Xen's do.
 */
export interface Placement {
  /** By section index. */
  readonly sections: readonly SectionPlace[];
  readonly textSize: bigint;
  readonly rwSize: bigint;
  readonly roSize: bigint;
  /** From the payload's base address, where the text region starts, to the RW region. */
  readonly rwOffset: bigint;
  /** From the payload's base address to the RO region. */
  readonly roOffset: bigint;
  /** Pages to allocate. */
  readonly pages: bigint;
  /** The first section that is writable and executable, for which Xen refuses the payload (-EOPNOTSUPP). */
  readonly refused: number | undefined;
}

/**
 * Places all sections in index order. Section 0 is never placed. After a refused section Xen stops; this goes on
 * without it, for those who want to know about the others.
 */
export function placeSections(headers: readonly PlaceableHeader[], rules: PlacementRules): Placement {
  const bits = rules.pointerSize * 8;
  const wrap = (value: bigint): bigint => BigInt.asUintN(bits, value);
  /** PAGE_ALIGN. */
  const pageAlign = (size: bigint): bigint => wrap(size + PAGE_MASK) & ~PAGE_MASK;
  const sizes: Record<PageKind, bigint> = { text: 0n, rw: 0n, ro: 0n };
  let refused: number | undefined;
  const sections = headers.map((header, index): SectionPlace => {
    const kind = index === 0 ? 'ignored' : kindOf(header, rules);
    if (kind === 'refused') refused ??= index;
    if (kind === 'refused' || kind === 'ignored') return { kind, offset: 0 };
    // ROUNDUP(x, a) is (x + a - 1) & ~(a - 1): with an alignment of 0 that is 0, so the section lands on the first ones
    // of its region, whose size starts anew.
    const mask = wrap(header.sh_addralign - 1n);
    const offset = wrap(sizes[kind] + mask) & ~mask;
    sizes[kind] = wrap(header.sh_size + offset);
    return { kind, offset: lowWord(offset) };
  });
  const rwOffset = pageAlign(sizes.text);
  const roOffset = wrap(rwOffset + pageAlign(sizes.rw));
  const total = wrap(roOffset + sizes.ro);
  return {
    sections,
    textSize: sizes.text,
    rwSize: sizes.rw,
    roSize: sizes.ro,
    rwOffset,
    roOffset,
    // PFN_UP.
    pages: wrap(total + PAGE_MASK) / BigInt(PAGE_SIZE),
    refused,
  };
}

const PAGE_MASK = BigInt(PAGE_SIZE) - 1n;

function kindOf(header: PlaceableHeader, rules: PlacementRules): SectionKind {
  if (header.sh_size === 0n && !rules.emptySectionsPlaced) return 'ignored';
  return classifySection(lowWord(header.sh_flags));
}

/** Does the section count as data that a revert cannot bring back? Writable and not empty; empty ones do not count. */
export const isWritableData = (header: PlaceableHeader): boolean =>
  classifySection(lowWord(header.sh_flags)) === 'rw' && header.sh_size !== 0n;

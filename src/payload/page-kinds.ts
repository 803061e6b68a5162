import { lowWord } from '../base/index.ts';
import { SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, type Shdr } from '../elf/index.ts';
import { PAGE_SIZE } from '../xen/index.ts';

/**
 * Computes the page kind and the place of each section of a payload: the arithmetic of Xen's move_payload.
 * Source: xen/common/livepatch.c, move_payload and calc_section.
 */

/** Pages of a loaded payload: RX, RW and RO. */
export type PageKind = 'text' | 'rw' | 'ro';

/** A section gets a page kind, is not loaded, or makes Xen refuse the payload. */
export type SectionKind = PageKind | 'ignored' | 'refused';

const KIND_BY_ACCESS: Readonly<Record<number, SectionKind>> = {
  0: 'ro',
  [SHF_WRITE]: 'rw',
  [SHF_EXECINSTR]: 'text',
  [SHF_WRITE | SHF_EXECINSTR]: 'refused',
};

/** Returns the kind from the low word of `sh_flags`; Xen ignores names and types. */
export const classifySection = (flags: number): SectionKind =>
  (flags & SHF_ALLOC) === 0 ? 'ignored' : (KIND_BY_ACCESS[flags & (SHF_WRITE | SHF_EXECINSTR)] as SectionKind);

/** The header fields that determine the place; section headers of either class have them. */
export type PlaceableHeader = Pick<Shdr, 'sh_flags' | 'sh_size' | 'sh_addralign'>;

export interface PlacementRules {
  readonly pointerSize: 4 | 8;
  /** `Release.emptySectionsPlaced`: releases without it do not load sections of size 0. */
  readonly emptySectionsPlaced: boolean;
}

export interface SectionPlace {
  readonly kind: SectionKind;
  /** Bytes from the start of its region. Xen keeps only 32 bits (`unsigned int *offset`), and so does this. 0 without a region. */
  readonly offset: number;
}

/**
 * The places of all sections, before there is an address. Sizes are Xen's raw `size_t`: invalid headers can make them anything up to 2^64 - 1,
 * or 2^32 - 1 with 32-bit pointers, and they wrap as Xen's do.
 */
export interface Placement {
  /** Indexed by section. */
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
 * Places all sections in index order, except section 0. Xen stops at a refused section; this continues without it, so that callers see the
 * others.
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
    // ROUNDUP(x, a) is (x + a - 1) & ~(a - 1): with an alignment of 0 that is 0, so the section overlaps the first ones of its region, whose
    // size starts again from 0.
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

/** Whether a section is data that a revert cannot restore: writable and not empty. */
export const isWritableData = (header: PlaceableHeader): boolean =>
  classifySection(lowWord(header.sh_flags)) === 'rw' && header.sh_size !== 0n;

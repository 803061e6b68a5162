import { ensure } from '../base/index.ts';
import { SHF_ALLOC, SHN_LORESERVE, SHT_NOBITS, STB_LOCAL } from './constants.ts';
import { StringTableBuilder } from './string-table.ts';
import type { WriterContents, WriterSection, WriterSymbol } from './writer-model.ts';

/** A section with its place in the file, in bytes. */
export interface PlannedSection {
  readonly index: number;
  readonly nameOffset: number;
  readonly offset: number;
  /** `sh_size`. */
  readonly size: number;
}

/** The outcome of the first phase: the size of the file, and the place of everything in it. */
export interface ElfPlan {
  readonly size: number;
  readonly sections: ReadonlyMap<WriterSection, PlannedSection>;
  /** Final index of each symbol: the null symbol, local symbols, all others. */
  readonly symbols: ReadonlyMap<WriterSymbol, number>;
  readonly symbolOrder: readonly WriterSymbol[];
  /** The index of the first symbol that is not local: `sh_info` of the symbol table. */
  readonly firstGlobal: number;
  readonly symbolNames: ReadonlyMap<WriterSymbol, number>;
  readonly symtab: PlannedSection;
  /** Wide section indexes of symbols; only where the file has more sections than fit 16 bits. */
  readonly symtabShndx: PlannedSection | undefined;
  readonly strtab: PlannedSection;
  readonly shstrtab: PlannedSection;
  readonly strtabBytes: Uint8Array;
  readonly shstrtabBytes: Uint8Array;
  readonly programHeadersOffset: number;
  readonly sectionHeadersOffset: number;
  /** Section headers, the null one included. */
  readonly sectionCount: number;
}

/** Lays a file out: file header, program headers, sections in order, section headers. */
export function planElf(writer: WriterContents): ElfPlan {
  const { layoutOf: layout, header } = writer;
  const locals = writer.symbols.filter(({ bind }) => bind === STB_LOCAL);
  const others = writer.symbols.filter(({ bind }) => bind !== STB_LOCAL);
  const symbolOrder = [...locals, ...others];
  const symbols = new Map(symbolOrder.map((symbol, i) => [symbol, i + 1]));
  const strings = new StringTableBuilder();
  const symbolNames = new Map(symbolOrder.map((symbol) => [symbol, strings.add(symbol.name)]));

  const names = new StringTableBuilder();
  const programHeadersOffset = writer.segments.length === 0 ? 0 : layout.ehdr.size;
  let at = layout.ehdr.size + writer.segments.length * layout.phdr.size;
  let index = 0;
  const place = (name: string, size: number, align: number, bytesInFile = true, addr?: bigint): PlannedSection => {
    if (addr !== undefined) at += Number((addr - BigInt(at)) & BigInt(header.pageSize - 1));
    else at = alignUp(at, Math.max(align, 1));
    const planned = { index: ++index, nameOffset: names.add(name), offset: at, size };
    if (bytesInFile) at += size;
    return planned;
  };

  const sections = new Map<WriterSection, PlannedSection>();
  for (const section of writer.sections) {
    const mapped = writer.segments.length !== 0 && (section.flags & SHF_ALLOC) !== 0;
    sections.set(
      section,
      place(
        section.name,
        plannedSize(section),
        section.addralign,
        section.type !== SHT_NOBITS,
        mapped ? section.addr : undefined,
      ),
    );
  }
  const symtab = place('.symtab', (symbolOrder.length + 1) * layout.sym.size, layout.pointerSize);
  // Symbols are in the sections above only, so these decide whether 16 bits are enough for an index.
  const wide = writer.sections.length >= SHN_LORESERVE;
  const symtabShndx = wide ? place('.symtab_shndx', (symbolOrder.length + 1) * 4, 4) : undefined;
  const strtabBytes = strings.bytes();
  const strtab = place('.strtab', strtabBytes.length, 1);
  names.add('.shstrtab');
  const shstrtabBytes = names.bytes();
  const shstrtab = place('.shstrtab', shstrtabBytes.length, 1);
  const sectionHeadersOffset = alignUp(at, layout.pointerSize);
  const sectionCount = index + 1;
  return {
    size: sectionHeadersOffset + sectionCount * layout.shdr.size,
    sections,
    symbols,
    symbolOrder,
    firstGlobal: locals.length + 1,
    symbolNames,
    symtab,
    symtabShndx,
    strtab,
    shstrtab,
    strtabBytes,
    shstrtabBytes,
    programHeadersOffset,
    sectionHeadersOffset,
    sectionCount,
  };
}

function plannedSize(section: WriterSection): number {
  if (section.relocations !== undefined) return section.relocations.length * section.entsize;
  if (section.members !== undefined) return section.data.length + 4 * section.members.length;
  return section.type === SHT_NOBITS ? section.size : section.data.length;
}

const alignUp = (value: number, alignment: number): number => Math.ceil(value / alignment) * alignment;

/** The place of a section that belongs to this writer. */
export const planned = (plan: ElfPlan, section: WriterSection): PlannedSection =>
  ensure(plan.sections.get(section), `${section.name} is not a section of this file`);

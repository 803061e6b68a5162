import { SHN_LORESERVE, SHN_UNDEF, SHT_GROUP, SHT_NOBITS, SHT_REL, SHT_RELA, SHT_SYMTAB_SHNDX } from './constants.ts';
import type { ElfFile } from './file.ts';
import { RelocationTable } from './relocations.ts';
import type { ElfSection } from './section.ts';
import { ElfWriter } from './writer.ts';
import type { WriterRelocation, WriterSection, WriterSymbol } from './writer-model.ts';

/** A writer that holds what a file holds, and where the file's own parts went. */
export interface ElfCopy {
  readonly writer: ElfWriter;
  /** By index in the file; without the tables that the writer makes itself. */
  readonly sections: ReadonlyMap<number, WriterSection>;
  /** By index in the file; the null symbol is missing. */
  readonly symbols: ReadonlyMap<number, WriterSymbol>;
}

/**
 * Copies a relocatable file into a writer, where it can be changed and written again. The symbol table, its strings and the
 * section names are made anew; everything else keeps its order. Segments are not copied: this is for ET_REL.
 */
export function copyElf(file: ElfFile): ElfCopy {
  const { header, layout } = file;
  const writer = new ElfWriter({
    class: layout.class,
    machine: header.e_machine,
    type: header.e_type,
    osabi: header.e_ident[7] as number,
    abiVersion: header.e_ident[8] as number,
    flags: header.e_flags,
    entry: header.e_entry,
  });
  const symtab = file.symbols.section;
  const made = (section: ElfSection): boolean =>
    section.index === 0 ||
    section.index === file.shstrndx ||
    section.index === symtab?.index ||
    section.index === symtab?.link ||
    section.type === SHT_SYMTAB_SHNDX;

  const sections = new Map<number, WriterSection>();
  for (const section of file.sections) if (!made(section)) sections.set(section.index, copySection(writer, section));

  const symbols = new Map<number, WriterSymbol>();
  for (let i = 1; i < file.symbols.count; i++) {
    const { name, value, size, type, bind, other, shndx } = file.symbols.symbol(i);
    const index = file.symbols.sectionIndex(i);
    const section =
      index === undefined ? (shndx >= SHN_LORESERVE ? shndx : SHN_UNDEF) : (sections.get(index) ?? SHN_UNDEF);
    symbols.set(i, writer.symbol(name, { value, size: BigInt(size), type, bind, other, section }));
  }
  for (const [index, copy] of sections) connect(file, file.sections[index] as ElfSection, copy, sections, symbols);
  return { writer, sections, symbols };
}

function copySection(writer: ElfWriter, section: ElfSection): WriterSection {
  return writer.section(section.name, {
    type: section.type,
    flags: section.flags,
    addr: section.addr,
    data: section.data(),
    size: section.type === SHT_NOBITS ? section.size : 0,
    addralign: section.addralign,
    entsize: section.entsize,
  });
}

/** Gives a copied section its references, which may point forward. */
function connect(
  file: ElfFile,
  section: ElfSection,
  copy: WriterSection,
  sections: ReadonlyMap<number, WriterSection>,
  symbols: ReadonlyMap<number, WriterSymbol>,
): void {
  const usesSymbols = section.link !== 0 && section.link === file.symbols.section?.index;
  copy.link = usesSymbols ? 'symtab' : sections.get(section.link);
  copy.info = section.info;
  if ((section.type === SHT_RELA || section.type === SHT_REL) && usesSymbols) {
    const target = sections.get(section.info);
    if (target !== undefined) copy.info = { section: target };
    const table = new RelocationTable(file, section);
    const entries: WriterRelocation[] = [];
    for (let i = 0; i < table.count; i++) {
      entries.push({
        offset: table.address(i),
        type: table.type(i),
        symbol: symbols.get(table.symbol(i)),
        addend: table.addend(i),
      });
    }
    const { rela, rel } = file.layout;
    copy.data = new Uint8Array(0);
    copy.entsize = (table.hasAddends ? rela : rel).size;
    copy.relocations = entries;
  } else if (section.type === SHT_GROUP) {
    const signature = symbols.get(section.info);
    if (signature !== undefined) copy.info = { symbol: signature };
    const data = section.data();
    const words = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const members: WriterSection[] = [];
    for (let at = 4; at + 4 <= data.length; at += 4) {
      const member = sections.get(words.getUint32(at, true));
      if (member !== undefined) members.push(member);
    }
    copy.data = data.subarray(0, 4);
    copy.members = members;
  }
}

import { assert, ensure, viewOf } from '../base/index.ts';
import {
  ELFDATA2LSB,
  EV_CURRENT,
  SHN_LORESERVE,
  SHN_XINDEX,
  SHT_NOBITS,
  SHT_RELA,
  SHT_STRTAB,
  SHT_SYMTAB,
  SHT_SYMTAB_SHNDX,
} from './constants.ts';
import type { Shdr } from './layout.ts';
import type { WriterContents, WriterSection, WriterSegment } from './writer-model.ts';
import { type ElfPlan, type PlannedSection, planned } from './writer-plan.ts';

/** The second phase: the bytes of the file that `plan` describes. */
export function writePlan(writer: WriterContents, plan: ElfPlan): Uint8Array {
  const bytes = new Uint8Array(plan.size);
  const view = viewOf(bytes);
  writeFileHeader(writer, plan, view);
  writer.segments.forEach((segment, i) => {
    const at = plan.programHeadersOffset + i * writer.layoutOf.phdr.size;
    writer.layoutOf.writePhdr(view, at, segmentHeader(plan, segment));
  });
  for (const [section, { offset }] of plan.sections) {
    if (section.type !== SHT_NOBITS) bytes.set(section.data, offset);
    writeRelocations(writer, plan, section, view, offset);
    section.members?.forEach((member, i) => {
      view.setUint32(offset + section.data.length + 4 * i, planned(plan, member).index, true);
    });
  }
  writeSymbols(writer, plan, view);
  bytes.set(plan.strtabBytes, plan.strtab.offset);
  bytes.set(plan.shstrtabBytes, plan.shstrtab.offset);
  writeSectionHeaders(writer, plan, view);
  return bytes;
}

function writeFileHeader(writer: WriterContents, plan: ElfPlan, view: DataView): void {
  const { header, layoutOf: layout } = writer;
  const e_ident = new Uint8Array(16);
  e_ident.set([0x7f, 0x45, 0x4c, 0x46, header.class, ELFDATA2LSB, EV_CURRENT, header.osabi, header.abiVersion]);
  const hasSegments = writer.segments.length !== 0;
  layout.writeEhdr(view, 0, {
    e_ident,
    e_type: header.type,
    e_machine: header.machine,
    e_version: EV_CURRENT,
    e_entry: header.entry,
    e_phoff: BigInt(plan.programHeadersOffset),
    e_shoff: BigInt(plan.sectionHeadersOffset),
    e_flags: header.flags,
    e_ehsize: layout.ehdr.size,
    e_phentsize: hasSegments ? layout.phdr.size : 0,
    e_phnum: writer.segments.length,
    e_shentsize: layout.shdr.size,
    e_shnum: plan.sectionCount < SHN_LORESERVE ? plan.sectionCount : 0,
    e_shstrndx: plan.shstrtab.index < SHN_LORESERVE ? plan.shstrtab.index : SHN_XINDEX,
  });
}

function segmentHeader(plan: ElfPlan, segment: WriterSegment) {
  const first = ensure(segment.sections[0], 'a segment has sections');
  const start = planned(plan, first);
  let filesz = 0;
  let memsz = 0;
  for (const section of segment.sections) {
    const { size } = planned(plan, section);
    const end = Number(section.addr - first.addr) + size;
    assert(end >= memsz, `${section.name} is not behind the sections before it`);
    memsz = end;
    if (section.type !== SHT_NOBITS) filesz = end;
  }
  return {
    p_type: segment.type,
    p_flags: segment.flags,
    p_offset: BigInt(start.offset),
    p_vaddr: first.addr,
    p_paddr: segment.paddr ?? first.addr,
    p_filesz: BigInt(filesz),
    p_memsz: BigInt(memsz),
    p_align: segment.align,
  };
}

function writeRelocations(
  writer: WriterContents,
  plan: ElfPlan,
  section: WriterSection,
  view: DataView,
  offset: number,
): void {
  const { layoutOf: layout } = writer;
  const write = section.type === SHT_RELA ? layout.writeRela : layout.writeRel;
  section.relocations?.forEach((entry, i) => {
    const sym = entry.symbol === undefined ? 0 : plan.symbols.get(entry.symbol);
    write(view, offset + i * section.entsize, {
      r_offset: BigInt(entry.offset),
      sym: ensure(sym, `${entry.symbol?.name} is not a symbol of this file`),
      type: entry.type,
      r_addend: BigInt(entry.addend ?? 0),
    });
  });
}

function writeSymbols(writer: WriterContents, plan: ElfPlan, view: DataView): void {
  const { layoutOf: layout } = writer;
  plan.symbolOrder.forEach((symbol, i) => {
    const { section } = symbol;
    const index = typeof section === 'number' ? section : planned(plan, section).index;
    const wide = typeof section !== 'number' && index >= SHN_LORESERVE;
    layout.writeSym(view, plan.symtab.offset + (i + 1) * layout.sym.size, {
      st_name: ensure(plan.symbolNames.get(symbol), 'every symbol has a name offset'),
      st_info: (symbol.bind << 4) | symbol.type,
      st_other: symbol.other,
      st_shndx: wide ? SHN_XINDEX : index,
      st_value: symbol.value,
      st_size: symbol.size,
    });
    if (wide && plan.symtabShndx !== undefined) view.setUint32(plan.symtabShndx.offset + 4 * (i + 1), index, true);
  });
}

function writeSectionHeaders(writer: WriterContents, plan: ElfPlan, view: DataView): void {
  const { layoutOf: layout } = writer;
  const write = (place: PlannedSection, fields: Partial<Shdr>): void => {
    layout.writeShdr(view, plan.sectionHeadersOffset + place.index * layout.shdr.size, {
      sh_name: place.nameOffset,
      sh_type: 0,
      sh_flags: 0n,
      sh_addr: 0n,
      sh_offset: BigInt(place.offset),
      sh_size: BigInt(place.size),
      sh_link: 0,
      sh_info: 0,
      sh_addralign: 1n,
      sh_entsize: 0n,
      ...fields,
    });
  };
  // Counts that do not fit the file header (System V ABI, "Section Header Table Entry: Index 0").
  const many = plan.sectionCount >= SHN_LORESERVE;
  write(
    { index: 0, nameOffset: 0, offset: 0, size: many ? plan.sectionCount : 0 },
    { sh_link: plan.shstrtab.index >= SHN_LORESERVE ? plan.shstrtab.index : 0, sh_addralign: 0n },
  );
  for (const [section, place] of plan.sections) {
    write(place, {
      sh_type: section.type,
      sh_flags: BigInt(section.flags),
      sh_addr: section.addr,
      sh_link:
        section.link === undefined ? 0 : (section.link === 'symtab' ? plan.symtab : planned(plan, section.link)).index,
      sh_info: infoOf(plan, section),
      sh_addralign: BigInt(section.addralign),
      sh_entsize: BigInt(section.entsize),
    });
  }
  write(plan.symtab, {
    sh_type: SHT_SYMTAB,
    sh_link: plan.strtab.index,
    sh_info: plan.firstGlobal,
    sh_addralign: BigInt(layout.pointerSize),
    sh_entsize: BigInt(layout.sym.size),
  });
  if (plan.symtabShndx !== undefined) {
    write(plan.symtabShndx, {
      sh_type: SHT_SYMTAB_SHNDX,
      sh_link: plan.symtab.index,
      sh_addralign: 4n,
      sh_entsize: 4n,
    });
  }
  write(plan.strtab, { sh_type: SHT_STRTAB });
  write(plan.shstrtab, { sh_type: SHT_STRTAB });
}

function infoOf(plan: ElfPlan, { name, info }: WriterSection): number {
  if (typeof info === 'number') return info;
  if ('section' in info) return planned(plan, info.section).index;
  return ensure(plan.symbols.get(info.symbol), `${name}: sh_info names a symbol of another file`);
}

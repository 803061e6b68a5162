import { assert } from '../base/index.ts';
import {
  ELFCLASS64,
  ELFOSABI_NONE,
  ET_REL,
  SHF_INFO_LINK,
  SHN_ABS,
  SHN_COMMON,
  SHN_UNDEF,
  SHT_PROGBITS,
  SHT_REL,
  SHT_RELA,
  STB_GLOBAL,
  STB_LOCAL,
  STT_NOTYPE,
  STT_SECTION,
} from './constants.ts';
import { ELF32, ELF64, type ElfLayout } from './layout.ts';
import type {
  WriterContents,
  WriterHeader,
  WriterRelocation,
  WriterSection,
  WriterSegment,
  WriterSymbol,
} from './writer-model.ts';
import { type ElfPlan, planElf } from './writer-plan.ts';
import { writePlan } from './writer-write.ts';

/**
 * Writes ELF files in two phases: `layout()` gives every section, symbol and name its place, `write()` puts the bytes
 * there. Sections get the indexes 1, 2, … in the order they are added; `.symtab`, `.strtab` and `.shstrtab` follow.
 *
 * Wrong use (a symbol of another writer) is a bug of the caller and asserts; nothing here reads untrusted bytes.
 */
export class ElfWriter implements WriterContents {
  readonly header: Required<WriterHeader>;
  readonly layoutOf: ElfLayout;
  readonly sections: WriterSection[] = [];
  readonly symbols: WriterSymbol[] = [];
  readonly segments: WriterSegment[] = [];

  constructor(header: WriterHeader) {
    this.header = {
      class: ELFCLASS64,
      type: ET_REL,
      osabi: ELFOSABI_NONE,
      abiVersion: 0,
      flags: 0,
      entry: 0n,
      pageSize: 4096,
      ...header,
    };
    this.layoutOf = this.header.class === ELFCLASS64 ? ELF64 : ELF32;
  }

  /** Adds a section; what is not given is empty, and PROGBITS. */
  section(name: string, fields: Partial<Omit<WriterSection, 'name'>> = {}): WriterSection {
    const section: WriterSection = {
      name,
      type: SHT_PROGBITS,
      flags: 0,
      addr: 0n,
      data: new Uint8Array(0),
      size: 0,
      addralign: 1,
      entsize: 0,
      link: undefined,
      info: 0,
      ...fields,
    };
    this.sections.push(section);
    return section;
  }

  /** Adds a symbol: global, without a type, and undefined where nothing else is said. */
  symbol(name: string, fields: Partial<Omit<WriterSymbol, 'name'>> = {}): WriterSymbol {
    const symbol: WriterSymbol = {
      name,
      value: 0n,
      size: 0n,
      type: STT_NOTYPE,
      bind: STB_GLOBAL,
      other: 0,
      section: SHN_UNDEF,
      ...fields,
    };
    assert(
      typeof symbol.section !== 'number' ||
        [SHN_UNDEF, SHN_ABS, SHN_COMMON].includes(symbol.section) ||
        symbol.section >= 0xff00,
      `${name}: a section is named by its object, not by the number ${String(symbol.section)}`,
    );
    this.symbols.push(symbol);
    return symbol;
  }

  /** The local symbol that stands for the start of a section; made on first use. */
  sectionSymbol(section: WriterSection): WriterSymbol {
    const known = this.symbols.find((symbol) => symbol.type === STT_SECTION && symbol.section === section);
    return known ?? this.symbol('', { type: STT_SECTION, bind: STB_LOCAL, section });
  }

  /** Adds the relocation section of `target`: RELA by default, named after the target. */
  relocations(
    target: WriterSection,
    entries: readonly WriterRelocation[],
    options: { readonly addends?: boolean; readonly name?: string } = {},
  ): WriterSection {
    const addends = options.addends ?? true;
    return this.section(options.name ?? `${addends ? '.rela' : '.rel'}${target.name}`, {
      type: addends ? SHT_RELA : SHT_REL,
      flags: SHF_INFO_LINK,
      addralign: this.layoutOf.pointerSize,
      entsize: (addends ? this.layoutOf.rela : this.layoutOf.rel).size,
      link: 'symtab',
      info: { section: target },
      relocations: entries,
    });
  }

  segment(segment: WriterSegment): void {
    this.segments.push(segment);
  }

  /** Phase one: where everything goes. */
  layout(): ElfPlan {
    return planElf(this);
  }

  /** Phase two: the file. */
  write(plan: ElfPlan = this.layout()): Uint8Array {
    return writePlan(this, plan);
  }
}

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
import { type ElfPlan, planElf } from './writer-plan.ts';
import { writePlan } from './writer-write.ts';

/** What the file header says; the rest of it follows from the contents. */
export interface WriterHeader {
  readonly machine: number;
  /** ELFCLASS32 or ELFCLASS64, which is the default. */
  readonly class?: 1 | 2;
  /** ET_REL by default. */
  readonly type?: number;
  readonly osabi?: number;
  readonly abiVersion?: number;
  readonly flags?: number;
  readonly entry?: bigint;
  /** In a file with segments, sections stand at the same place in a page of the file as in memory. 4096 by default. */
  readonly pageSize?: number;
}

/** A section to write. Members may change until the file is laid out. */
export interface WriterSection {
  name: string;
  type: number;
  flags: number;
  addr: bigint;
  data: Uint8Array;
  /** Bytes of a NOBITS section; the others have as many as `data`. */
  size: number;
  /** A power of two; 0 is written as it is and taken as 1. */
  addralign: number;
  entsize: number;
  /** The section for `sh_link`, `'symtab'` for the symbol table that the writer makes. */
  link: WriterSection | 'symtab' | undefined;
  /** What `sh_info` tells: a number, or the index of a section or of a symbol. */
  info: number | { readonly section: WriterSection } | { readonly symbol: WriterSymbol };
  /** Entries of a SHT_REL or SHT_RELA section, which has no `data` then. */
  relocations?: readonly WriterRelocation[];
  /** Members of a SHT_GROUP section; its `data` is the first word, the flags. */
  members?: readonly WriterSection[];
}

/** A symbol to write. Its index depends on the others: local symbols come first. */
export interface WriterSymbol {
  name: string;
  value: bigint;
  size: bigint;
  type: number;
  bind: number;
  other: number;
  /** Where it is defined; a number is written to `st_shndx` as it is (SHN_UNDEF, SHN_ABS, SHN_COMMON). */
  section: WriterSection | number;
}

export interface WriterRelocation {
  /** `r_offset`: bytes from the start of the section, or an address in a linked file. */
  readonly offset: number | bigint;
  readonly type: number;
  /** `undefined` for symbol 0. */
  readonly symbol?: WriterSymbol | undefined;
  /** Not written in REL sections, where it is in the bytes to relocate. */
  readonly addend?: number | bigint;
}

/** A program header over sections that follow each other in the file and in memory. */
export interface WriterSegment {
  readonly type: number;
  readonly flags: number;
  readonly align: bigint;
  readonly sections: readonly WriterSection[];
  /** `p_paddr`; the virtual address by default. */
  readonly paddr?: bigint;
}

/**
 * Writes ELF files in two phases: `layout()` gives every section, symbol and name its place, `write()` puts the bytes
 * there. Sections get the indexes 1, 2, … in the order they are added; `.symtab`, `.strtab` and `.shstrtab` follow.
 *
 * Wrong use (a symbol of another writer) is a bug of the caller and asserts; nothing here reads untrusted bytes.
 */
export class ElfWriter {
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

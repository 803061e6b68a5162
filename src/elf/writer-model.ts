import type { ElfLayout } from './layout.ts';

/** Fields of the file header that do not follow from the contents. */
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
  /** `sh_info`: a number, or the index of a section or symbol. */
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
  /** The section that defines it; a number goes to `st_shndx` as it is (SHN_UNDEF, SHN_ABS, SHN_COMMON). */
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

/** Everything that a file to write consists of; `ElfWriter` collects it. */
export interface WriterContents {
  readonly header: Required<WriterHeader>;
  readonly layoutOf: ElfLayout;
  readonly sections: readonly WriterSection[];
  readonly symbols: readonly WriterSymbol[];
  readonly segments: readonly WriterSegment[];
}

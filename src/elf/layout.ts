import { type RecordTable, record } from '../base/index.ts';

/**
 * On-disk structures of the ELF specification, both classes, little endian: the equivalent of <elf.h>. Layout only;
 * what the fields mean is in the files beside this one.
 *
 * Source: System V ABI, chapter 4 "Object Files"; ELF-64 Object File Format 1.5.
 */

const Elf64_Ehdr = record('Elf64_Ehdr', {
  e_ident: 'bytes16',
  e_type: 'u16',
  e_machine: 'u16',
  e_version: 'u32',
  e_entry: 'u64',
  e_phoff: 'u64',
  e_shoff: 'u64',
  e_flags: 'u32',
  e_ehsize: 'u16',
  e_phentsize: 'u16',
  e_phnum: 'u16',
  e_shentsize: 'u16',
  e_shnum: 'u16',
  e_shstrndx: 'u16',
});

const Elf32_Ehdr = record('Elf32_Ehdr', {
  e_ident: 'bytes16',
  e_type: 'u16',
  e_machine: 'u16',
  e_version: 'u32',
  e_entry: 'u32',
  e_phoff: 'u32',
  e_shoff: 'u32',
  e_flags: 'u32',
  e_ehsize: 'u16',
  e_phentsize: 'u16',
  e_phnum: 'u16',
  e_shentsize: 'u16',
  e_shnum: 'u16',
  e_shstrndx: 'u16',
});

const Elf64_Shdr = record('Elf64_Shdr', {
  sh_name: 'u32',
  sh_type: 'u32',
  sh_flags: 'u64',
  sh_addr: 'u64',
  sh_offset: 'u64',
  sh_size: 'u64',
  sh_link: 'u32',
  sh_info: 'u32',
  sh_addralign: 'u64',
  sh_entsize: 'u64',
});

const Elf32_Shdr = record('Elf32_Shdr', {
  sh_name: 'u32',
  sh_type: 'u32',
  sh_flags: 'u32',
  sh_addr: 'u32',
  sh_offset: 'u32',
  sh_size: 'u32',
  sh_link: 'u32',
  sh_info: 'u32',
  sh_addralign: 'u32',
  sh_entsize: 'u32',
});

const Elf64_Sym = record('Elf64_Sym', {
  st_name: 'u32',
  st_info: 'u8',
  st_other: 'u8',
  st_shndx: 'u16',
  st_value: 'u64',
  st_size: 'u64',
});

const Elf32_Sym = record('Elf32_Sym', {
  st_name: 'u32',
  st_value: 'u32',
  st_size: 'u32',
  st_info: 'u8',
  st_other: 'u8',
  st_shndx: 'u16',
});

const Elf64_Rel = record('Elf64_Rel', { r_offset: 'u64', r_info: 'u64' });
const Elf32_Rel = record('Elf32_Rel', { r_offset: 'u32', r_info: 'u32' });
const Elf64_Rela = record('Elf64_Rela', { r_offset: 'u64', r_info: 'u64', r_addend: 'i64' });
const Elf32_Rela = record('Elf32_Rela', { r_offset: 'u32', r_info: 'u32', r_addend: 'i32' });

const Elf64_Phdr = record('Elf64_Phdr', {
  p_type: 'u32',
  p_flags: 'u32',
  p_offset: 'u64',
  p_vaddr: 'u64',
  p_paddr: 'u64',
  p_filesz: 'u64',
  p_memsz: 'u64',
  p_align: 'u64',
});

const Elf32_Phdr = record('Elf32_Phdr', {
  p_type: 'u32',
  p_offset: 'u32',
  p_vaddr: 'u32',
  p_paddr: 'u32',
  p_filesz: 'u32',
  p_memsz: 'u32',
  p_flags: 'u32',
  p_align: 'u32',
});

/** A note's header: name and descriptor follow, each padded to four bytes. Same in both classes. */
export const Elf_Nhdr = record('Elf_Nhdr', { namesz: 'u32', descsz: 'u32', type: 'u32' });

/** Values of both classes with one type: every address, offset and size that is 64 bits in ELF64 is a bigint. */
export interface Ehdr {
  readonly e_ident: Uint8Array;
  readonly e_type: number;
  readonly e_machine: number;
  readonly e_version: number;
  readonly e_entry: bigint;
  readonly e_phoff: bigint;
  readonly e_shoff: bigint;
  readonly e_flags: number;
  readonly e_ehsize: number;
  readonly e_phentsize: number;
  readonly e_phnum: number;
  readonly e_shentsize: number;
  readonly e_shnum: number;
  readonly e_shstrndx: number;
}

export interface Shdr {
  readonly sh_name: number;
  readonly sh_type: number;
  readonly sh_flags: bigint;
  readonly sh_addr: bigint;
  readonly sh_offset: bigint;
  readonly sh_size: bigint;
  readonly sh_link: number;
  readonly sh_info: number;
  readonly sh_addralign: bigint;
  readonly sh_entsize: bigint;
}

export interface Sym {
  readonly st_name: number;
  readonly st_info: number;
  readonly st_other: number;
  readonly st_shndx: number;
  readonly st_value: bigint;
  readonly st_size: bigint;
}

export interface Phdr {
  readonly p_type: number;
  readonly p_flags: number;
  readonly p_offset: bigint;
  readonly p_vaddr: bigint;
  readonly p_paddr: bigint;
  readonly p_filesz: bigint;
  readonly p_memsz: bigint;
  readonly p_align: bigint;
}

/** A relocation entry of either class, `Rel` or `Rela`; a `Rel` has no addend of its own. */
export interface Rela {
  readonly r_offset: bigint;
  readonly sym: number;
  readonly type: number;
  readonly r_addend: bigint | undefined;
}

/** Structure sizes and field offsets, in bytes, of one class. Hot loops read through these. */
export interface StructLayout {
  readonly size: number;
  readonly at: Readonly<Record<string, number>>;
}

/** One ELF class: sizes and offsets for hot loops, and readers and writers of normalised values. */
export interface ElfLayout {
  readonly class: 1 | 2;
  readonly pointerSize: 4 | 8;
  readonly ehdr: StructLayout;
  readonly shdr: StructLayout;
  readonly phdr: StructLayout;
  readonly sym: StructLayout;
  readonly rel: StructLayout;
  readonly rela: StructLayout;
  /** Bits of `r_info` below the symbol index: 8 in ELF32, 32 in ELF64. */
  readonly relocationTypeBits: 8 | 32;
  readEhdr(view: DataView, at: number): Ehdr;
  readShdr(view: DataView, at: number): Shdr;
  readPhdr(view: DataView, at: number): Phdr;
  readSym(view: DataView, at: number): Sym;
  readRel(view: DataView, at: number): Rela;
  readRela(view: DataView, at: number): Rela;
  writeEhdr(view: DataView, at: number, value: Ehdr): void;
  writeShdr(view: DataView, at: number, value: Shdr): void;
  writePhdr(view: DataView, at: number, value: Phdr): void;
  writeSym(view: DataView, at: number, value: Sym): void;
  writeRel(view: DataView, at: number, value: Rela): void;
  writeRela(view: DataView, at: number, value: Rela): void;
}

type Table = RecordTable<Record<string, 'u32'>>;

/** Reads a record and widens the fields that the other class has in 64 bits, so that both classes give one type. */
function widening<V>(table: unknown, wide: readonly (keyof V & string)[]) {
  const { read, write } = table as Table;
  return {
    read: (view: DataView, at: number): V => {
      const value = read(view, at) as unknown as Record<string, number | bigint>;
      for (const key of wide) value[key] = BigInt(value[key] as number | bigint);
      return value as V;
    },
    write: (view: DataView, at: number, value: V): void => {
      const narrow = { ...value } as unknown as Record<string, number | bigint>;
      const fields = (table as Table).fields as Readonly<Record<string, string>>;
      for (const key of wide) {
        const is64 = fields[key] === 'u64' || fields[key] === 'i64';
        narrow[key] = is64 ? BigInt(narrow[key] as bigint) : Number(narrow[key] as bigint);
      }
      write(view, at, narrow as never);
    },
  };
}

function layout(
  elfClass: 1 | 2,
  tables: { ehdr: unknown; shdr: unknown; phdr: unknown; sym: unknown; rel: unknown; rela: unknown },
): ElfLayout {
  const is64 = elfClass === 2;
  const bits = is64 ? 32 : 8;
  const ehdr = widening<Ehdr>(tables.ehdr, ['e_entry', 'e_phoff', 'e_shoff']);
  const shdr = widening<Shdr>(tables.shdr, [
    'sh_flags',
    'sh_addr',
    'sh_offset',
    'sh_size',
    'sh_addralign',
    'sh_entsize',
  ]);
  const phdr = widening<Phdr>(tables.phdr, ['p_offset', 'p_vaddr', 'p_paddr', 'p_filesz', 'p_memsz', 'p_align']);
  const sym = widening<Sym>(tables.sym, ['st_value', 'st_size']);
  type RawRela = { r_offset: bigint; r_info: bigint; r_addend: bigint };
  const rel = widening<Pick<RawRela, 'r_offset' | 'r_info'>>(tables.rel, ['r_offset', 'r_info']);
  const rela = widening<RawRela>(tables.rela, ['r_offset', 'r_info', 'r_addend']);
  const typeMask = (1n << BigInt(bits)) - 1n;
  const split = (raw: { r_offset: bigint; r_info: bigint }, r_addend: bigint | undefined): Rela => ({
    r_offset: raw.r_offset,
    sym: Number(raw.r_info >> BigInt(bits)),
    type: Number(raw.r_info & typeMask),
    r_addend,
  });
  const info = (value: Rela): bigint => (BigInt(value.sym) << BigInt(bits)) | BigInt(value.type);
  return {
    class: elfClass,
    pointerSize: is64 ? 8 : 4,
    ehdr: tables.ehdr as StructLayout,
    shdr: tables.shdr as StructLayout,
    phdr: tables.phdr as StructLayout,
    sym: tables.sym as StructLayout,
    rel: tables.rel as StructLayout,
    rela: tables.rela as StructLayout,
    relocationTypeBits: bits,
    readEhdr: ehdr.read,
    readShdr: shdr.read,
    readPhdr: phdr.read,
    readSym: sym.read,
    readRel: (view, at) => split(rel.read(view, at), undefined),
    readRela: (view, at) => {
      const raw = rela.read(view, at);
      return split(raw, raw.r_addend);
    },
    writeEhdr: ehdr.write,
    writeShdr: shdr.write,
    writePhdr: phdr.write,
    writeSym: sym.write,
    writeRel: (view, at, value) => rel.write(view, at, { r_offset: value.r_offset, r_info: info(value) }),
    writeRela: (view, at, value) =>
      rela.write(view, at, { r_offset: value.r_offset, r_info: info(value), r_addend: value.r_addend ?? 0n }),
  };
}

export const ELF64: ElfLayout = layout(2, {
  ehdr: Elf64_Ehdr,
  shdr: Elf64_Shdr,
  phdr: Elf64_Phdr,
  sym: Elf64_Sym,
  rel: Elf64_Rel,
  rela: Elf64_Rela,
});

export const ELF32: ElfLayout = layout(1, {
  ehdr: Elf32_Ehdr,
  shdr: Elf32_Shdr,
  phdr: Elf32_Phdr,
  sym: Elf32_Sym,
  rel: Elf32_Rel,
  rela: Elf32_Rela,
});

import * as elf from './constants.ts';

/**
 * Names of ELF values in readelf's spelling: what a maintainer compares with the output of the tool he knows.
 *
 * Source: binutils 2.40, readelf -hSsW.
 */

type Names = Readonly<Record<number, string>>;

/** The value in hexadecimal and readelf's form for values that have no name. */
const unknown = (value: number): string => `<unknown>: ${value.toString(16)}`;

const FILE_TYPES: Names = {
  [elf.ET_NONE]: 'NONE',
  [elf.ET_REL]: 'REL',
  [elf.ET_EXEC]: 'EXEC',
  [elf.ET_DYN]: 'DYN',
  [elf.ET_CORE]: 'CORE',
};

/** `e_type`, as the first word of readelf's `Type:` line. */
export const fileTypeName = (type: number): string => FILE_TYPES[type] ?? unknown(type);

const MACHINES: Names = {
  [elf.EM_386]: 'Intel 80386',
  [elf.EM_ARM]: 'ARM',
  [elf.EM_X86_64]: 'Advanced Micro Devices X86-64',
  [elf.EM_AARCH64]: 'AArch64',
};

/** `e_machine`, as readelf's `Machine:` line has it. */
export const machineName = (machine: number): string => MACHINES[machine] ?? `<unknown>: 0x${machine.toString(16)}`;

const SECTION_TYPES: Names = {
  [elf.SHT_NULL]: 'NULL',
  [elf.SHT_PROGBITS]: 'PROGBITS',
  [elf.SHT_SYMTAB]: 'SYMTAB',
  [elf.SHT_STRTAB]: 'STRTAB',
  [elf.SHT_RELA]: 'RELA',
  [elf.SHT_HASH]: 'HASH',
  [elf.SHT_DYNAMIC]: 'DYNAMIC',
  [elf.SHT_NOTE]: 'NOTE',
  [elf.SHT_NOBITS]: 'NOBITS',
  [elf.SHT_REL]: 'REL',
  10: 'SHLIB',
  [elf.SHT_DYNSYM]: 'DYNSYM',
  [elf.SHT_INIT_ARRAY]: 'INIT_ARRAY',
  [elf.SHT_FINI_ARRAY]: 'FINI_ARRAY',
  [elf.SHT_PREINIT_ARRAY]: 'PREINIT_ARRAY',
  [elf.SHT_GROUP]: 'GROUP',
  [elf.SHT_SYMTAB_SHNDX]: 'SYMTAB SECTION INDICES',
  0x6fff_fff5: 'GNU_ATTRIBUTES',
  0x6fff_fff6: 'GNU_HASH',
  0x6fff_fff7: 'GNU_LIBLIST',
  0x6fff_fffd: 'VERDEF',
  0x6fff_fffe: 'VERNEED',
  0x6fff_ffff: 'VERSYM',
};

/** Types from SHT_LOPROC on mean something else on every processor. */
const PROCESSOR_SECTION_TYPES: Readonly<Record<number, Names>> = {
  [elf.EM_X86_64]: { 0x7000_0001: 'X86_64_UNWIND' },
  [elf.EM_ARM]: { 0x7000_0001: 'ARM_EXIDX', 0x7000_0002: 'ARM_PREEMPTMAP', 0x7000_0003: 'ARM_ATTRIBUTES' },
  [elf.EM_AARCH64]: { 0x7000_0003: 'AARCH64_ATTRIBUTES' },
};

/** `sh_type`, as in the `Type` column of `readelf -S`. */
export const sectionTypeName = (machine: number, type: number): string =>
  SECTION_TYPES[type] ?? PROCESSOR_SECTION_TYPES[machine]?.[type] ?? `${type.toString(16).padStart(8, '0')}: <unknown>`;

const FLAG_LETTERS: readonly (readonly [flag: number, letter: string])[] = [
  [elf.SHF_WRITE, 'W'],
  [elf.SHF_ALLOC, 'A'],
  [elf.SHF_EXECINSTR, 'X'],
  [elf.SHF_MERGE, 'M'],
  [elf.SHF_STRINGS, 'S'],
  [elf.SHF_INFO_LINK, 'I'],
  [elf.SHF_LINK_ORDER, 'L'],
  [elf.SHF_OS_NONCONFORMING, 'O'],
  [elf.SHF_GROUP, 'G'],
  [elf.SHF_TLS, 'T'],
  [elf.SHF_COMPRESSED, 'C'],
  [elf.SHF_GNU_RETAIN, 'R'],
  [elf.SHF_EXCLUDE, 'E'],
];

const NAMED_FLAGS = FLAG_LETTERS.reduce((all, [flag]) => (all | flag) >>> 0, 0);

/**
 * The low word of `sh_flags` as the `Flg` column of `readelf -S` has it, `WAX`; flags of the operating system,
 * the processor, or nobody follow as `o`, `p`, `x`.
 */
export function sectionFlagLetters(flags: number): string {
  let letters = '';
  for (const [flag, letter] of FLAG_LETTERS) if ((flags & flag) !== 0) letters += letter;
  const rest = (flags & ~NAMED_FLAGS) >>> 0;
  if ((rest & elf.SHF_MASKOS) !== 0) letters += 'o';
  if ((rest & elf.SHF_MASKPROC) !== 0) letters += 'p';
  if ((rest & ~(elf.SHF_MASKOS | elf.SHF_MASKPROC)) !== 0) letters += 'x';
  return letters;
}

const SYMBOL_TYPES: Names = {
  [elf.STT_NOTYPE]: 'NOTYPE',
  [elf.STT_OBJECT]: 'OBJECT',
  [elf.STT_FUNC]: 'FUNC',
  [elf.STT_SECTION]: 'SECTION',
  [elf.STT_FILE]: 'FILE',
  [elf.STT_COMMON]: 'COMMON',
  [elf.STT_TLS]: 'TLS',
  [elf.STT_GNU_IFUNC]: 'IFUNC',
};

/** The type half of `st_info`, as in the `Type` column of `readelf -s`. */
export const symbolTypeName = (type: number): string => SYMBOL_TYPES[type] ?? `<unknown>: ${type}`;

const SYMBOL_BINDS: Names = {
  [elf.STB_LOCAL]: 'LOCAL',
  [elf.STB_GLOBAL]: 'GLOBAL',
  [elf.STB_WEAK]: 'WEAK',
  [elf.STB_GNU_UNIQUE]: 'UNIQUE',
};

/** The binding half of `st_info`, as in the `Bind` column of `readelf -s`. */
export const symbolBindName = (bind: number): string => SYMBOL_BINDS[bind] ?? `<unknown>: ${bind}`;

const SYMBOL_VISIBILITIES = ['DEFAULT', 'INTERNAL', 'HIDDEN', 'PROTECTED'] as const;

/** The visibility bits of `st_other`, as in the `Vis` column of `readelf -s`. */
export const symbolVisibilityName = (other: number): string => SYMBOL_VISIBILITIES[other & 3] as string;

const SECTION_INDICES: Names = {
  [elf.SHN_UNDEF]: 'UND',
  [elf.SHN_ABS]: 'ABS',
  [elf.SHN_COMMON]: 'COM',
};

/** `st_shndx`, as in the `Ndx` column of `readelf -s`. */
export const sectionIndexName = (shndx: number): string => SECTION_INDICES[shndx] ?? String(shndx);

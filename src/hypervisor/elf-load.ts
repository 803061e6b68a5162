import { cString, highWord, type Place } from '../base/index.ts';
import {
  type Ehdr,
  ELF_NAME_MAX,
  type ElfLayout,
  SHF_ALLOC,
  SHF_WRITE,
  SHT_NOBITS,
  SHT_STRTAB,
  SHT_SYMTAB,
  type Shdr,
} from '../elf/index.ts';
import { LIVEPATCH_MAX_SECTIONS, LIVEPATCH_MAX_SIZE } from '../xen/index.ts';
import { checkAligned } from './aligned-access.ts';
import { type Hypervisor, report, within, wrapped } from './hypervisor.ts';
import { LIVEPATCH_ELF_C, Refuser, refuseSilently } from './refusal.ts';
import type { UploadBuffer } from './upload-buffer.ts';

/**
 * livepatch_elf_load: checks the file's headers, section names and symbols as Xen does, in Xen's order.
 * Source: xen/common/livepatch_elf.c.
 */

/** `struct livepatch_elf_sec`. Section 0 has none: Xen leaves its slot all NULL. */
export interface LoaderSection {
  readonly index: number;
  readonly header: Shdr;
  name: string;
  /** Address of the loaded section; `null` if it is not loaded. */
  loadAddr: bigint | null;
}

/** `struct livepatch_elf`. */
export interface LoaderElf {
  readonly name: string;
  readonly buffer: UploadBuffer;
  readonly layout: ElfLayout;
  readonly header: Ehdr;
  /** Index 0 is `undefined`. */
  readonly sections: readonly (LoaderSection | undefined)[];
  readonly symtab: LoaderSection;
  readonly strtab: Uint8Array;
  readonly symbols: LoaderSymbols;
}

/** `elf->sym`: one slot per entry of the symbol table; slot 0 is empty. */
export interface LoaderSymbols {
  readonly count: number;
  /** The table's bytes; entry `i` starts at `i * stride`. */
  readonly view: DataView;
  readonly stride: number;
  /** `st_value`, resolved in place. */
  readonly value: BigUint64Array<ArrayBuffer>;
  /** The same values as pairs of words, low first, for the relocation loop. */
  readonly words: Uint32Array<ArrayBuffer>;
  /** 1 if the symbol's section is not loaded. */
  readonly ignored: Uint8Array;
  name(index: number): string;
  /** Returns the index of the symbol's section, or a reserved index. */
  shndx(index: number): number;
  size(index: number): number;
}

const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];
const EI_VERSION = 6;
const EI_OSABI = 7;
const EI_ABIVERSION = 8;
const ELFOSABI_NONE = 0;
const ELFOSABI_FREEBSD = 9;
const ET_REL = 1;
const EV_CURRENT = 1;

export function livepatchElfLoad(hv: Hypervisor, name: string, buffer: UploadBuffer): LoaderElf | number {
  return within(hv, 'livepatch_elf_load', () => {
    const refuser = new Refuser(hv, LIVEPATCH_ELF_C, name);
    const header = headerCheck(hv, refuser, buffer);
    if (typeof header === 'number') return header;
    const tables = resolveSections(hv, refuser, buffer, header);
    if (typeof tables === 'number') return tables;
    const named = resolveSectionNames(hv, refuser, buffer, header, tables.sections);
    if (named !== 0) return named;
    const symbols = getSymbols(hv, refuser, buffer, tables);
    if (typeof symbols === 'number') return symbols;
    return { name, buffer, layout: hv.arch.elf, header, ...tables, symbols };
  });
}

/** livepatch_header_check. */
function headerCheck(hv: Hypervisor, refuser: Refuser, buffer: UploadBuffer): Ehdr | number {
  const { elf: layout } = hv.arch;
  const length = buffer.bytes.length;
  const refuseAt = (offset: number) => refuser.at({ offset });

  if (layout.ehdr.size > length) return refuseAt(0)('elf-too-short', 'EINVAL', 'Section header is bigger than payload');
  const header = layout.readEhdr(buffer.view, 0);
  const { e_ident, e_shentsize, e_shnum, e_shoff, e_shstrndx } = header;
  const at = layout.ehdr.at as { readonly [field in keyof Ehdr]: number };
  if (!ELF_MAGIC.every((byte, i) => e_ident[i] === byte)) return refuseAt(0)('not-elf', 'EINVAL', 'Not an ELF payload');
  const osabi = e_ident[EI_OSABI];
  if (
    header.e_version !== EV_CURRENT ||
    e_ident[EI_VERSION] !== EV_CURRENT ||
    e_ident[EI_ABIVERSION] !== 0 ||
    (osabi !== ELFOSABI_NONE && osabi !== ELFOSABI_FREEBSD) ||
    header.e_type !== ET_REL ||
    header.e_phnum !== 0
  ) {
    return refuseAt(0)('not-relocatable', 'EOPNOTSUPP', 'Invalid ELF payload');
  }
  const refusal = hv.arch.verifyElf(header);
  if (refusal !== null) return refuser.refuseFor(refusal, { offset: at.e_machine });
  if (e_shstrndx === 0) return refuseAt(at.e_shstrndx)('no-section-names', 'EINVAL', 'Section name idx is undefined');
  if (e_shnum >= LIVEPATCH_MAX_SECTIONS) {
    return refuseAt(at.e_shnum)('too-many-sections', 'EOPNOTSUPP', 'Too many (%u) sections', e_shnum);
  }
  if (e_shstrndx >= e_shnum) {
    const template = 'Section name idx (%u) is past end of sections (%u)';
    return refuseAt(at.e_shstrndx)('section-names-past-end', 'EINVAL', template, e_shstrndx, e_shnum);
  }
  if (e_shoff >= BigInt(length)) return refuseAt(at.e_shoff)('section-headers-past-end', 'EINVAL', 'Bogus e_shoff');
  if (e_shentsize < layout.shdr.size) {
    const template = 'Section header size is %u! Expected %zu.';
    return refuseAt(at.e_shentsize)('section-header-size', 'EINVAL', template, e_shentsize, layout.shdr.size);
  }
  if (Math.floor((length - Number(e_shoff)) / e_shentsize) < e_shnum) {
    return refuseAt(at.e_shnum)('section-headers-past-end', 'EINVAL', 'Section header size is corrupted');
  }
  return header;
}

interface Tables {
  readonly sections: readonly (LoaderSection | undefined)[];
  readonly symtab: LoaderSection;
  readonly strtab: Uint8Array;
}

/** elf_resolve_sections. headerCheck has checked that all e_shnum headers are in the file. */
function resolveSections(hv: Hypervisor, refuser: Refuser, buffer: UploadBuffer, header: Ehdr): Tables | number {
  const { elf: layout } = hv.arch;
  const length = BigInt(buffer.bytes.length);
  const sections: (LoaderSection | undefined)[] = [undefined];
  let symtab: LoaderSection | undefined;

  for (let index = 1; index < header.e_shnum; index++) {
    const at = Number(header.e_shoff) + index * header.e_shentsize;
    checkAligned(hv, buffer.address + BigInt(at + (layout.shdr.at['sh_offset'] ?? 0)), 4, 'read');
    const shdr = layout.readShdr(buffer.view, at);
    const { sh_offset, sh_size, sh_addr, sh_addralign, sh_type, sh_flags } = shdr;
    const refuse = refuser.at({ offset: at });

    // Xen checks every type here, even sections without bytes in the file.
    if (sh_offset < BigInt(layout.ehdr.size)) {
      return refuse('section-in-header', 'EINVAL', 'Section [%u] data at ELF header of payload', index);
    }
    // Xen does not check this sum for overflow.
    if (sh_type !== SHT_NOBITS && (sh_offset > length || wrapped(hv, sh_offset + sh_size) > length)) {
      return refuse('section-past-end', 'EINVAL', 'Section [%u] data is past end of payload', index);
    }
    if ((sh_addralign & (sh_addralign - 1n)) !== 0n && sh_addralign !== 0n) {
      const template = 'Section [%u] alignment (%#lx) is not supported';
      return refuse('section-alignment', 'EOPNOTSUPP', template, index, sh_addralign);
    }
    if (sh_addralign !== 0n && sh_addr % sh_addralign !== 0n) {
      const template = 'Section [%u] addr (%#lx) is not aligned properly (%#lx)';
      return refuse('section-misaligned', 'EINVAL', template, index, sh_addr, sh_addralign);
    }
    const allocated = (Number(sh_flags & 0xffn) & (SHF_WRITE | SHF_ALLOC)) !== 0;
    if (allocated && sh_type === SHT_NOBITS && sh_size > BigInt(LIVEPATCH_MAX_SIZE)) {
      const message = `Section [${index}] takes ${sh_size} bytes of memory: at most ${LIVEPATCH_MAX_SIZE} are allowed`;
      return refuseSilently(hv, { rule: 'bss-too-large', errno: 'EINVAL', where: { offset: at }, message });
    }
    const section: LoaderSection = { index, header: shdr, name: '', loadAddr: null };
    sections.push(section);
    if (sh_type === SHT_SYMTAB) {
      if (symtab !== undefined) return refuse('two-symbol-tables', 'EOPNOTSUPP', 'Unsupported multiple symbol tables');
      symtab = section;
      if (shdr.sh_link >= header.e_shnum) {
        const template = 'Symbol table idx (%u) to strtab past end (%u)';
        return refuse('strtab-past-end', 'EINVAL', template, shdr.sh_link, header.e_shnum);
      }
    }
  }

  if (symtab === undefined) return refuser.at({})('no-symbol-table', 'EINVAL', 'No symbol table found');
  const { sh_size, sh_entsize, sh_link } = symtab.header;
  if (sh_size === 0n || sh_entsize < BigInt(layout.sym.size) || sh_size % sh_entsize !== 0n) {
    return refuser.at({ section: '.symtab' })('symbol-table-size', 'EINVAL', 'Symbol table header is corrupted');
  }
  const strtab = stringTable(hv, buffer, sections, sh_link);
  if (strtab === null)
    return refuser.at({ section: '.strtab' })('string-table', 'EINVAL', 'String table section is corrupted');
  return { sections, symtab, strtab };
}

/** Offset of `sh_type` in a section header at address 0: what Xen reads for index 0. */
const NULL_SH_TYPE = 4n;

/** elf_verify_strtab: returns the strings, or `null` for a bad table. No release checks for index 0, which has no header. */
function stringTable(
  hv: Hypervisor,
  buffer: UploadBuffer,
  sections: readonly (LoaderSection | undefined)[],
  index: number,
): Uint8Array | null {
  return within(hv, 'elf_verify_strtab', () => {
    const section = sections[index];
    if (section === undefined) {
      hv.machine.space.read(NULL_SH_TYPE, 4);
      return null;
    }
    const { sh_type, sh_size, sh_offset } = section.header;
    if (sh_type !== SHT_STRTAB || sh_size === 0n) return null;
    // The bounds check passes a size that wraps the sum: then the first and last byte may be read anywhere.
    if (highWord(sh_size) !== 0 || sh_size > BigInt(buffer.bytes.length)) {
      if (buffer.at(sh_offset, 1)[0] !== 0) return null;
      return buffer.at(wrapped(hv, sh_offset + sh_size - 1n), 1)[0] === 0
        ? buffer.bytes.subarray(Number(sh_offset))
        : null;
    }
    const strings = buffer.at(sh_offset, Number(sh_size));
    return strings[0] === 0 && strings[strings.length - 1] === 0 ? strings : null;
  });
}

/**
 * Returns a name, cut to a length that no name of the hypervisor and no printk line exceeds: thousands of names may be tails of one that
 * fills the file.
 */
const nameIn = (strings: Uint8Array, at: number): string => cString(strings.subarray(at, at + ELF_NAME_MAX), 0);

/** elf_resolve_section_names. */
function resolveSectionNames(
  hv: Hypervisor,
  refuser: Refuser,
  buffer: UploadBuffer,
  header: Ehdr,
  sections: readonly (LoaderSection | undefined)[],
): number {
  const refuse = refuser.at({ section: '.shstrtab' });
  const shstrtab = stringTable(hv, buffer, sections, header.e_shstrndx);
  if (shstrtab === null) {
    return refuse('section-name-table', 'EINVAL', 'Section string table is corrupted');
  }
  for (const section of sections) {
    if (section === undefined) continue;
    const { sh_name } = section.header;
    if (sh_name >= shstrtab.length) {
      return refuse('section-name-past-end', 'EINVAL', 'Section %u name is not within .shstrtab', section.index);
    }
    section.name = nameIn(shstrtab, sh_name);
  }
  return 0;
}

/** More than any file contains: only a wrapped size gives a higher count, and no allocation of that size succeeds. */
const MAX_SYMBOLS = 1n << 20n;

/** Gathers the entries of a table whose size wrapped in resolveSections: each lies where 64-bit arithmetic puts it. May fault. */
function scatteredSymbols(hv: Hypervisor, buffer: UploadBuffer, header: Shdr, count: number, size: number): Uint8Array {
  const table = new Uint8Array(count * size);
  for (let i = 1; i < count; i++) {
    table.set(buffer.at(wrapped(hv, header.sh_offset + BigInt(i) * header.sh_entsize), size), i * size);
  }
  return table;
}

/** elf_get_sym. resolveSections has checked that the table's size is a multiple of its entry size. */
function getSymbols(hv: Hypervisor, refuser: Refuser, buffer: UploadBuffer, tables: Tables): LoaderSymbols | number {
  const { sym } = hv.arch.elf;
  const { sh_offset, sh_size, sh_entsize } = tables.symtab.header;
  const { strtab } = tables;
  const count = sh_size / sh_entsize;
  if (count > MAX_SYMBOLS) {
    return refuser.at({ section: '.symtab' })('symbol-table-size', 'ENOMEM', 'Could not allocate memory for symbols');
  }
  const nsym = Number(count);
  const inFile = sh_size <= BigInt(buffer.bytes.length);
  const stride = inFile ? Number(sh_entsize) : sym.size;
  const table = inFile
    ? buffer.at(sh_offset, Number(sh_size))
    : scatteredSymbols(hv, buffer, tables.symtab.header, nsym, stride);
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const tableAt = buffer.address + sh_offset;
  const at = sym.at as {
    readonly st_name: number;
    readonly st_shndx: number;
    readonly st_value: number;
    readonly st_size: number;
  };
  const { symbolDeny } = hv.arch;
  const words = new Uint32Array(2 * nsym);
  const wide = hv.arch.elf.pointerSize === 8;
  for (let i = 1, entry = stride; i < nsym; i++, entry += stride) {
    checkAligned(hv, wrapped(hv, tableAt + BigInt(entry)), 4, 'read');
    const stName = view.getUint32(entry + at.st_name, true);
    if (stName >= strtab.length) {
      const refuse = refuser.at({ section: '.symtab', offset: entry });
      return refuse('symbol-name-past-end', 'EINVAL', 'Symbol [%u] name is not within .strtab', i);
    }
    if (symbolDeny?.(nameIn(strtab, stName))) {
      const symbol = nameIn(strtab, stName);
      const refuse = refuser.at({ section: '.symtab', offset: entry, symbol });
      return refuse('symbol-denied', 'EINVAL', "Symbol '%s' should not be in payload", symbol);
    }
    words[2 * i] = view.getUint32(entry + at.st_value, true);
    if (wide) words[2 * i + 1] = view.getUint32(entry + at.st_value + 4, true);
  }
  return {
    count: nsym,
    view,
    stride,
    words,
    value: new BigUint64Array(words.buffer),
    ignored: new Uint8Array(nsym),
    name: (index) => nameIn(strtab, view.getUint32(index * stride + at.st_name, true)),
    shndx: (index) => view.getUint16(index * stride + at.st_shndx, true),
    size: (index) =>
      wide
        ? Number(view.getBigUint64(index * stride + at.st_size, true))
        : view.getUint32(index * stride + at.st_size, true),
  };
}

/** livepatch_elf_sec_by_name: returns the first section of that name; Xen never notices a second one. */
export const secByName = (elf: LoaderElf, name: string): LoaderSection | undefined =>
  elf.sections.find((section) => section?.name === name);

/**
 * Returns the address from which Xen reads a section: its loaded copy. Without SHF_ALLOC there is none, and this is a null pointer, or since
 * 8c81423038 a pointer into the upload buffer, which Xen frees after the upload.
 */
export function sectionAddress(hv: Hypervisor, elf: LoaderElf, section: LoaderSection): bigint {
  if (section.loadAddr !== null) return section.loadAddr;
  if (hv.release.unloadedSection === 'null') return 0n;
  const message = `${section.name} is not loaded (no SHF_ALLOC): Xen keeps a pointer to it into memory that it frees after the upload`;
  report(hv, 'use-after-free', message, placeOf(section));
  return wrapped(hv, elf.buffer.address + section.header.sh_offset);
}

/** Returns a section's place in the file, for findings. */
export const placeOf = (section: LoaderSection, offset?: number): Place => ({
  section: section.name,
  ...(offset !== undefined && { offset }),
});

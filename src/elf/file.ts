import { type Finding, viewOf } from '../base/index.ts';
import {
  EI_CLASS,
  EI_DATA,
  ELFCLASS32,
  ELFCLASS64,
  ELFDATA2LSB,
  ELFDATA2MSB,
  PN_XNUM,
  SHN_XINDEX,
  SHT_REL,
  SHT_RELA,
  SHT_STRTAB,
  SHT_SYMTAB,
} from './constants.ts';
import { type Ehdr, ELF32, ELF64, type ElfLayout, type Phdr } from './layout.ts';
import { nameAt } from './name-index.ts';
import { isProblem, problem } from './problem.ts';
import { RelocationTable } from './relocations.ts';
import { type ElfContents, ElfSection } from './section.ts';
import { SymbolTable } from './symbols.ts';

/**
 * A lenient view of an ELF file: it reads what can be read, as readelf does. Whether Xen would take the file is
 * another question, and the strict loader's; that one reads headers through the layout, not through this view.
 *
 * Nothing is copied: sections and tables are windows on `bytes`, which must not change while the view is in use.
 */
export class ElfFile implements ElfContents {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly layout: ElfLayout;
  readonly header: Ehdr;
  /** All sections in header order, the null section 0 included; empty for a file without section headers. */
  readonly sections: readonly ElfSection[];
  /** Index of the section name table after resolving SHN_XINDEX; 0 where there is none. */
  readonly shstrndx: number;
  readonly #programHeaderCount: number;
  #byName: Map<string, ElfSection> | undefined;
  #symbols: SymbolTable | undefined;

  /** Use {@link readElf}: it checks what this relies on. */
  constructor(bytes: Uint8Array, layout: ElfLayout, header: Ehdr, counts: Counts) {
    this.bytes = bytes;
    this.view = viewOf(bytes);
    this.layout = layout;
    this.header = header;
    this.shstrndx = counts.shstrndx;
    this.#programHeaderCount = counts.phnum;
    const sections: ElfSection[] = [];
    const start = Number(header.e_shoff);
    for (let i = 0; i < counts.shnum; i++) sections.push(new ElfSection(this, i, start + i * header.e_shentsize));
    this.sections = sections;
  }

  get machine(): number {
    return this.header.e_machine;
  }

  /** The first section of that name, as Xen's livepatch_elf_sec_by_name; section 0 is not looked at. */
  section(name: string): ElfSection | undefined {
    if (this.#byName === undefined) {
      this.#byName = new Map();
      for (const section of this.sections) {
        if (section.index !== 0 && !this.#byName.has(section.name)) this.#byName.set(section.name, section);
      }
    }
    return this.#byName.get(name);
  }

  /** The program headers that lie in the file. */
  programHeaders(): Phdr[] {
    const { e_phoff, e_phentsize } = this.header;
    const headers: Phdr[] = [];
    for (let i = 0; i < this.#programHeaderCount; i++) {
      const at = Number(e_phoff) + i * e_phentsize;
      if (e_phentsize < this.layout.phdr.size || at + this.layout.phdr.size > this.bytes.length) break;
      headers.push(this.layout.readPhdr(this.view, at));
    }
    return headers;
  }

  /** The symbols of the first SHT_SYMTAB section, or of none. Made once; costs nothing until it is used. */
  get symbols(): SymbolTable {
    this.#symbols ??= new SymbolTable(
      this,
      this.sections.find((section) => section.type === SHT_SYMTAB),
    );
    return this.#symbols;
  }

  /** The tables of all SHT_REL and SHT_RELA sections in file order. */
  relocationTables(): RelocationTable[] {
    return this.sections
      .filter(({ type }) => type === SHT_RELA || type === SHT_REL)
      .map((section) => new RelocationTable(this, section));
  }

  /** The tables that apply to section `index`, in file order. */
  relocationsOf(index: number): RelocationTable[] {
    return this.relocationTables().filter((table) => table.section.info === index);
  }

  /** The text at `offset` of the string table in section `index`; empty where there is no such text. */
  string(index: number, offset: number): string {
    const table = this.sections[index];
    if (table === undefined || table.type !== SHT_STRTAB) return '';
    const bytes = table.data();
    return nameAt(bytes, offset);
  }
}

interface Counts {
  readonly shnum: number;
  readonly shstrndx: number;
  readonly phnum: number;
}

/**
 * Opens a file of either class. Refused are: no ELF magic, an unknown class, big endian, a cut off file header, and a
 * section header table that is not in the file. All else that may be wrong is seen, and tolerated, where it is used.
 */
export function readElf(bytes: Uint8Array): ElfFile | Finding {
  if (bytes.length < 16) return problem('Too short for an ELF file', { offset: bytes.length });
  if (bytes[0] !== 0x7f || bytes[1] !== 0x45 || bytes[2] !== 0x4c || bytes[3] !== 0x46) {
    return problem('Not an ELF file', { offset: 0 });
  }
  const elfClass = bytes[EI_CLASS];
  if (elfClass !== ELFCLASS32 && elfClass !== ELFCLASS64) {
    return problem(`Unknown ELF class ${elfClass}`, { offset: EI_CLASS });
  }
  if (bytes[EI_DATA] === ELFDATA2MSB) {
    return problem('Big-endian ELF files are not supported: Xen runs on little-endian machines only', {
      offset: EI_DATA,
    });
  }
  if (bytes[EI_DATA] !== ELFDATA2LSB) return problem(`Unknown data encoding ${bytes[EI_DATA]}`, { offset: EI_DATA });
  const layout = elfClass === ELFCLASS64 ? ELF64 : ELF32;
  if (bytes.length < layout.ehdr.size) {
    return problem(`The file header is cut off: ${bytes.length} of ${layout.ehdr.size} bytes`, {
      offset: bytes.length,
    });
  }
  const view = viewOf(bytes);
  const header = layout.readEhdr(view, 0);
  const counts = resolveCounts(bytes.length, view, layout, header);
  return isProblem(counts) ? counts : new ElfFile(bytes, layout, header, counts);
}

/**
 * The three counts of the file header, of which each may be too large for its field and then stands in section 0
 * (System V ABI, "ELF Header": e_shnum, e_shstrndx; PN_XNUM of the GNU extension for e_phnum).
 */
function resolveCounts(length: number, view: DataView, layout: ElfLayout, header: Ehdr): Counts | Finding {
  const { e_shoff, e_shentsize, e_shnum, e_phnum } = header;
  const entsizeOk = e_shentsize >= layout.shdr.size;
  const inFile = e_shoff + BigInt(layout.shdr.size) <= BigInt(length);
  // Without sections the other fields may hold anything, and a count of zero may be just that.
  if (e_shoff === 0n || (e_shnum === 0 && !(entsizeOk && inFile))) return { shnum: 0, shstrndx: 0, phnum: e_phnum };
  const at = layout.ehdr.at['e_shoff'] as number;
  if (!entsizeOk) {
    return problem(`Section headers of ${e_shentsize} bytes, expected ${layout.shdr.size}`, {
      offset: layout.ehdr.at['e_shentsize'] as number,
    });
  }
  if (!inFile) {
    return problem(`The section headers at ${e_shoff} are past the end of the file of ${length} bytes`, { offset: at });
  }
  const zero = layout.readShdr(view, Number(e_shoff));
  const shnum = e_shnum !== 0 ? BigInt(e_shnum) : zero.sh_size;
  const room = (BigInt(length) - e_shoff) / BigInt(e_shentsize);
  if (shnum > room) {
    return problem(`${shnum} section headers at ${e_shoff}, but the file ends after ${room}`, { offset: at });
  }
  return {
    shnum: Number(shnum),
    shstrndx: header.e_shstrndx === SHN_XINDEX ? zero.sh_link : header.e_shstrndx,
    phnum: e_phnum === PN_XNUM && zero.sh_info !== 0 ? zero.sh_info : e_phnum,
  };
}

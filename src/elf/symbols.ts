import {
  SHN_LORESERVE,
  SHN_UNDEF,
  SHN_XINDEX,
  SHT_SYMTAB_SHNDX,
  STB_LOCAL,
  STT_FILE,
  STT_SECTION,
} from './constants.ts';
import { NameIndex, nameAt } from './name-index.ts';
import type { ElfContents, ElfSection } from './section.ts';

/** One row of a symbol table, all columns read. */
export interface ElfSymbol {
  readonly index: number;
  readonly name: string;
  readonly value: bigint;
  readonly size: number;
  readonly type: number;
  readonly bind: number;
  readonly other: number;
  readonly shndx: number;
}

/**
 * The symbols of one SHT_SYMTAB section as columns: `value(i)`, `name(i)`, … read the file where they are asked for, in
 * file order, the null symbol 0 included. Indexes for look-ups by name are built on first use.
 *
 * Column functions take an index in 0 … count - 1.
 */
export class SymbolTable {
  readonly #file: ElfContents;
  /** `undefined` for a file without a symbol table, which then has no symbols. */
  readonly section: ElfSection | undefined;
  /** Number of complete entries in the file. */
  readonly count: number;
  readonly #view: DataView;
  readonly #strings: Uint8Array;
  readonly #start: number;
  readonly #stride: number;
  readonly #is64: boolean;
  readonly #at: { readonly name: number; readonly value: number; readonly size: number } & Record<
    'info' | 'other' | 'shndx',
    number
  >;
  #extended: DataView | null | undefined;
  #names: NameIndex | undefined;
  #files: Uint32Array | undefined;

  constructor(file: ElfContents, section: ElfSection | undefined) {
    const { sym } = file.layout;
    const field = (key: string): number => sym.at[key] as number;
    this.#file = file;
    this.section = section;
    this.#view = file.view;
    this.#is64 = file.layout.pointerSize === 8;
    this.#at = {
      name: field('st_name'),
      value: field('st_value'),
      size: field('st_size'),
      info: field('st_info'),
      other: field('st_other'),
      shndx: field('st_shndx'),
    };
    const data = section?.data() ?? new Uint8Array(0);
    this.#start = data.byteOffset - file.bytes.byteOffset;
    this.#stride = section === undefined || section.entsize === 0 ? sym.size : section.entsize;
    // Entries smaller than the structure would overlap: such a table has no symbols that mean anything.
    this.count = this.#stride < sym.size ? 0 : Math.floor(data.length / this.#stride);
    this.#strings = (section && file.sections[section.link]?.data()) ?? new Uint8Array(0);
  }

  nameOffset(i: number): number {
    return this.#view.getUint32(this.#start + i * this.#stride + this.#at.name, true);
  }

  /** The name; empty where `st_name` points nowhere. */
  name(i: number): string {
    return nameAt(this.#strings, this.nameOffset(i));
  }

  /** The name, or for a section symbol the name of its section, as readelf has it. */
  displayName(i: number): string {
    const name = this.name(i);
    if (name !== '' || this.type(i) !== STT_SECTION) return name;
    return this.#file.sections[this.sectionIndex(i) ?? 0]?.name ?? '';
  }

  value(i: number): bigint {
    const at = this.#start + i * this.#stride + this.#at.value;
    return this.#is64 ? this.#view.getBigUint64(at, true) : BigInt(this.#view.getUint32(at, true));
  }

  /** `st_size` in bytes; inexact above 2^53. */
  size(i: number): number {
    const at = this.#start + i * this.#stride + this.#at.size;
    const low = this.#view.getUint32(at, true);
    return this.#is64 ? this.#view.getUint32(at + 4, true) * 2 ** 32 + low : low;
  }

  /** STT_… */
  type(i: number): number {
    return this.#view.getUint8(this.#start + i * this.#stride + this.#at.info) & 15;
  }

  /** STB_… */
  bind(i: number): number {
    return this.#view.getUint8(this.#start + i * this.#stride + this.#at.info) >> 4;
  }

  /** `st_other`; its low two bits are the visibility. */
  other(i: number): number {
    return this.#view.getUint8(this.#start + i * this.#stride + this.#at.other);
  }

  /** `st_shndx` as it stands: a section index, or SHN_UNDEF, or a value from SHN_LORESERVE on. */
  shndx(i: number): number {
    return this.#view.getUint16(this.#start + i * this.#stride + this.#at.shndx, true);
  }

  /**
   * The index of the section that defines the symbol, SHN_XINDEX resolved through the SHT_SYMTAB_SHNDX section, or
   * `undefined` for undefined, absolute, common and other symbols without a section.
   */
  sectionIndex(i: number): number | undefined {
    const shndx = this.shndx(i);
    if (shndx === SHN_UNDEF) return undefined;
    if (shndx < SHN_LORESERVE) return shndx;
    if (shndx !== SHN_XINDEX) return undefined;
    this.#extended ??= this.#findExtended();
    if (this.#extended === null || 4 * i + 4 > this.#extended.byteLength) return undefined;
    return this.#extended.getUint32(4 * i, true);
  }

  #findExtended(): DataView | null {
    const table = this.#file.sections.find(
      ({ type, link }) => type === SHT_SYMTAB_SHNDX && link === this.section?.index,
    );
    if (table === undefined) return null;
    const data = table.data();
    return new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  /** All columns of one symbol. */
  symbol(i: number): ElfSymbol {
    return {
      index: i,
      name: this.name(i),
      value: this.value(i),
      size: this.size(i),
      type: this.type(i),
      bind: this.bind(i),
      other: this.other(i),
      shndx: this.shndx(i),
    };
  }

  /** The index of the first symbol of that name that is defined, or else of the first that is not. */
  find(name: string): number | undefined {
    let undefinedOne: number | undefined;
    for (const i of this.findAll(name)) {
      if (this.shndx(i) !== SHN_UNDEF) return i;
      undefinedOne ??= i;
    }
    return undefinedOne;
  }

  /** The indexes of all symbols of that name in file order; FILE symbols are not looked at. */
  *findAll(name: string): Generator<number, void, void> {
    if (name === '') return;
    this.#names ??= new NameIndex(this.#strings, this.count, (i) => this.nameOffset(i));
    for (const i of this.#names.rows(name)) if (this.type(i) !== STT_FILE) yield i;
  }

  /**
   * The name of the FILE symbol in force for a local symbol: the last one before it. `undefined` for other symbols and
   * where the linker has ended the last file with an empty name.
   */
  fileOf(i: number): string | undefined {
    if (this.bind(i) !== STB_LOCAL) return undefined;
    if (this.#files === undefined) {
      this.#files = new Uint32Array(this.count);
      let file = 0;
      for (let k = 1; k < this.count; k++) {
        if (this.type(k) === STT_FILE) file = (this.#strings[this.nameOffset(k)] ?? 0) === 0 ? 0 : k;
        this.#files[k] = file;
      }
    }
    const file = this.#files[i] as number;
    return file === 0 ? undefined : this.name(file);
  }

  /**
   * The name in the form of Xen's own symbol table: `file#name` for a local symbol with a FILE symbol in force, the bare
   * name for all others. Source: xen/tools/symbols.c.
   */
  qualifiedName(i: number): string {
    const file = this.fileOf(i);
    const name = this.name(i);
    return file === undefined || name === '' || this.type(i) === STT_FILE ? name : `${file}#${name}`;
  }

  /** The first local symbol called `name` among those of the files called `file`. */
  findInFile(file: string, name: string): number | undefined {
    for (const i of this.findAll(name)) if (this.fileOf(i) === file) return i;
    return undefined;
  }
}

import { SHT_NOBITS, SHT_NULL } from './constants.ts';
import type { ElfLayout, Shdr } from './layout.ts';

/** The part of a file that sections and tables read; `ElfFile` implements it. */
export interface ElfContents {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly layout: ElfLayout;
  readonly sections: readonly ElfSection[];
  /** Index of the section name table. */
  readonly shstrndx: number;
  /** Returns the text at `offset` of the string table in section `index`; empty if there is none. */
  string(index: number, offset: number): string;
}

/**
 * One section header with its bytes. Members read the file when asked.
 *
 * `size`, `offset`, `addralign` and `entsize` are numbers. A field above 2^53 loses low bits in them; such a section
 * is outside any file, and {@link header} has the exact fields for those who must judge it.
 */
export class ElfSection {
  readonly #file: ElfContents;
  readonly index: number;
  /** File offset of the section header. */
  readonly headerOffset: number;
  #name: string | undefined;

  constructor(file: ElfContents, index: number, headerOffset: number) {
    this.#file = file;
    this.index = index;
    this.headerOffset = headerOffset;
  }

  /** The name; empty where `sh_name` points nowhere. */
  get name(): string {
    this.#name ??= this.#file.string(this.#file.shstrndx, this.nameOffset);
    return this.#name;
  }

  /** The header as it stands in the file, all fields exact. */
  get header(): Shdr {
    return this.#file.layout.readShdr(this.#file.view, this.headerOffset);
  }

  get nameOffset(): number {
    return this.#u32('sh_name');
  }

  get type(): number {
    return this.#u32('sh_type');
  }

  /** The low 32 bits of `sh_flags`, unsigned: no flag is defined above them. */
  get flags(): number {
    return this.#u32('sh_flags');
  }

  get addr(): bigint {
    return this.#word('sh_addr');
  }

  get offset(): number {
    return Number(this.#word('sh_offset'));
  }

  get size(): number {
    return Number(this.#word('sh_size'));
  }

  get link(): number {
    return this.#u32('sh_link');
  }

  get info(): number {
    return this.#u32('sh_info');
  }

  get addralign(): number {
    return Number(this.#word('sh_addralign'));
  }

  get entsize(): number {
    return Number(this.#word('sh_entsize'));
  }

  /** True if the file has all bytes that the header claims, and for sections without bytes. */
  get complete(): boolean {
    return this.data().length === (this.#hasBytes() ? this.size : 0);
  }

  /** The section's bytes as far as they are in the file: a window, not a copy. Empty for NOBITS. */
  data(): Uint8Array {
    if (!this.#hasBytes()) return EMPTY;
    const { bytes } = this.#file;
    const start = Math.min(this.offset, bytes.length);
    return bytes.subarray(start, Math.min(start + this.size, bytes.length));
  }

  #hasBytes(): boolean {
    const { type } = this;
    return type !== SHT_NOBITS && type !== SHT_NULL;
  }

  #at(field: string): number {
    return this.headerOffset + (this.#file.layout.shdr.at[field] as number);
  }

  #u32(field: string): number {
    return this.#file.view.getUint32(this.#at(field), true);
  }

  #word(field: string): bigint {
    const { view, layout } = this.#file;
    return layout.pointerSize === 8
      ? view.getBigUint64(this.#at(field), true)
      : BigInt(view.getUint32(this.#at(field), true));
  }
}

const EMPTY = new Uint8Array(0);

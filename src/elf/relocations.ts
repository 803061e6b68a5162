import { SHT_RELA } from './constants.ts';
import type { ElfContents, ElfSection } from './section.ts';

/**
 * The entries of one SHT_REL or SHT_RELA section as columns, in file order. Column functions take an index in
 * 0 … count - 1.
 */
export class RelocationTable {
  readonly section: ElfSection;
  /** Do the entries carry addends (RELA), or are these in the bytes to relocate (REL)? */
  readonly hasAddends: boolean;
  /** Number of complete entries in the file. */
  readonly count: number;
  readonly #view: DataView;
  readonly #start: number;
  readonly #stride: number;
  readonly #is64: boolean;

  constructor(file: ElfContents, section: ElfSection) {
    const { layout } = file;
    const data = section.data();
    this.section = section;
    this.hasAddends = section.type === SHT_RELA;
    const { size } = this.hasAddends ? layout.rela : layout.rel;
    this.#view = file.view;
    this.#is64 = layout.pointerSize === 8;
    this.#start = data.byteOffset - file.bytes.byteOffset;
    this.#stride = section.entsize === 0 ? size : section.entsize;
    this.count = this.#stride < size ? 0 : Math.floor(data.length / this.#stride);
  }

  /** `r_offset` as bytes from the start of the section to relocate; inexact above 2^53. */
  offset(i: number): number {
    const at = this.#start + i * this.#stride;
    const low = this.#view.getUint32(at, true);
    return this.#is64 ? this.#view.getUint32(at + 4, true) * 2 ** 32 + low : low;
  }

  /** `r_offset` as the address it is in a linked file. */
  address(i: number): bigint {
    const at = this.#start + i * this.#stride;
    return this.#is64 ? this.#view.getBigUint64(at, true) : BigInt(this.#view.getUint32(at, true));
  }

  /** The relocation type of this machine, R_… */
  type(i: number): number {
    const at = this.#start + i * this.#stride;
    return this.#is64 ? this.#view.getUint32(at + 8, true) : this.#view.getUint8(at + 4);
  }

  /** Index in the symbol table that the section's `sh_link` names. */
  symbol(i: number): number {
    const at = this.#start + i * this.#stride;
    return this.#is64 ? this.#view.getUint32(at + 12, true) : this.#view.getUint32(at + 4, true) >>> 8;
  }

  /** `r_addend`, signed; 0 in a REL table. */
  addend(i: number): bigint {
    if (!this.hasAddends) return 0n;
    const at = this.#start + i * this.#stride;
    return this.#is64 ? this.#view.getBigInt64(at + 16, true) : BigInt(this.#view.getInt32(at + 8, true));
  }
}

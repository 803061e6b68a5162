/** An ELF64 file to break field by field. Offsets are from the ELF specification, independent of src/. */

export const EHDR = {
  type: 16,
  machine: 18,
  version: 20,
  shoff: 40,
  phnum: 56,
  shentsize: 58,
  shnum: 60,
  shstrndx: 62,
};
export const SHDR = {
  name: 0,
  type: 4,
  flags: 8,
  addr: 16,
  offset: 24,
  size: 32,
  link: 40,
  info: 44,
  addralign: 48,
  entsize: 56,
};
const SHDR_SIZE = 64;
const SYM_SIZE = 24;

export class MutableElf {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** The original bytes. */
  readonly #names: readonly string[];
  readonly #shoff: number;
  readonly #shstrndx: number;
  readonly #offsets: readonly number[];
  readonly #sizes: readonly number[];
  readonly #symbols: readonly string[];

  constructor(bytes: Uint8Array) {
    this.bytes = bytes.slice();
    this.view = new DataView(this.bytes.buffer);
    this.#shoff = Number(this.view.getBigUint64(EHDR.shoff, true));
    this.#shstrndx = this.view.getUint16(EHDR.shstrndx, true);
    const count = this.view.getUint16(EHDR.shnum, true);
    const field = (at: keyof typeof SHDR) =>
      Array.from({ length: count }, (_, i) => Number(this.view.getBigUint64(this.header(i) + SHDR[at], true)));
    this.#offsets = field('offset');
    this.#sizes = field('size');
    const text = (at: number): string => {
      let end = at;
      while (this.bytes[end] !== 0) end++;
      return Buffer.from(this.bytes.subarray(at, end)).toString('latin1');
    };
    const nameOf = (i: number) => (this.#offsets[this.#shstrndx] as number) + this.view.getUint32(this.header(i), true);
    this.#names = Array.from({ length: count }, (_, i) => text(nameOf(i)));
    const symtab = this.index('.symtab');
    const strtab = this.#offsets[this.index('.strtab')] as number;
    this.#symbols = Array.from({ length: (this.#sizes[symtab] as number) / SYM_SIZE }, (_, i) =>
      text(strtab + this.view.getUint32((this.#offsets[symtab] as number) + SYM_SIZE * i, true)),
    );
  }

  index(section: string): number {
    const found = this.#names.indexOf(section);
    if (found < 0) throw new Error(`no section ${section}`);
    return found;
  }

  /** File offset of a section header. */
  header(index: number): number {
    return this.#shoff + SHDR_SIZE * index;
  }

  /** File offset of a section's first byte. */
  data(section: string): number {
    return this.#offsets[this.index(section)] as number;
  }

  size(section: string): number {
    return this.#sizes[this.index(section)] as number;
  }

  /** Index of a symbol. */
  symbol(name: string): number {
    const found = this.#symbols.indexOf(name);
    if (found < 0) throw new Error(`no symbol ${name}`);
    return found;
  }

  u8(at: number, value: number): this {
    this.bytes[at] = value;
    return this;
  }

  u16(at: number, value: number): this {
    this.view.setUint16(at, value, true);
    return this;
  }

  u32(at: number, value: number): this {
    this.view.setUint32(at, value, true);
    return this;
  }

  u64(at: number, value: bigint): this {
    this.view.setBigUint64(at, value, true);
    return this;
  }

  /** Changes a field of a section's header. */
  section(section: string | number, field: keyof typeof SHDR, value: number | bigint): this {
    const at = this.header(typeof section === 'number' ? section : this.index(section)) + SHDR[field];
    const word = field === 'name' || field === 'type' || field === 'link' || field === 'info';
    return word ? this.u32(at, Number(value)) : this.u64(at, BigInt(value));
  }

  /** Changes st_name, st_shndx or st_value of a symbol. */
  symbolField(name: string, field: 'name' | 'shndx' | 'value', value: number | bigint): this {
    const at = this.data('.symtab') + SYM_SIZE * this.symbol(name);
    if (field === 'name') return this.u32(at, Number(value));
    return field === 'shndx' ? this.u16(at + 6, Number(value)) : this.u64(at + 8, BigInt(value));
  }

  /** Replaces the first occurrence of a string by another of the same length. */
  rename(section: string, from: string, to: string): this {
    const start = this.data(section);
    const found = Buffer.from(this.bytes.buffer).indexOf(`${from}\0`, start, 'latin1');
    if (found < 0 || found >= start + this.size(section) || from.length !== to.length) throw new Error(`no ${from}`);
    this.bytes.set(Buffer.from(to, 'latin1'), found);
    return this;
  }
}

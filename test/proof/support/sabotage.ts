import { ensure, viewOf } from '../../../src/base/index.ts';
import { type ElfFile, type ElfSection, isProblem, readElf } from '../../../src/elf/index.ts';

/** A payload whose bytes may be changed in place. */
export class Saboteur {
  readonly bytes: Uint8Array;
  readonly elf: ElfFile;
  readonly #view: DataView;

  constructor(payload: Uint8Array) {
    this.bytes = payload.slice();
    const elf = readElf(this.bytes);
    if (isProblem(elf)) throw new Error(elf.message);
    this.elf = elf;
    this.#view = viewOf(this.bytes);
  }

  section(name: string | RegExp): ElfSection {
    const fits = (section: ElfSection): boolean =>
      typeof name === 'string' ? section.name === name : name.test(section.name);
    return ensure(this.elf.sections.find(fits), `the payload has a section ${name}`);
  }

  /** Flips bits of one byte of a section. */
  flip(name: string | RegExp, at: number, bits = 1): void {
    const place = this.section(name).offset + at;
    this.bytes[place] = (this.bytes[place] as number) ^ bits;
  }

  setU32(name: string, at: number, value: number): void {
    this.#view.setUint32(this.section(name).offset + at, value, true);
  }

  /** Takes bytes, with their relocations, from the end of a section. */
  shorten(name: string | RegExp, by: number): void {
    const section = this.section(name);
    const size = section.size - by;
    this.#view.setBigUint64(section.headerOffset + 32, BigInt(size), true);
    this.relocations(section, (offset, at) => {
      // R_*_NONE.
      if (offset >= size) this.#view.setBigUint64(at + 8, 0n, true);
    });
  }

  /** Calls back for each relocation of a section: its place, where the entry is in the file, the symbol's name. */
  relocations(section: ElfSection, each: (offset: number, at: number, symbol: string) => void): void {
    for (const table of this.elf.relocationsOf(section.index)) {
      for (let i = 0; i < table.count; i++) {
        each(table.offset(i), table.section.offset + 24 * i, this.elf.symbols.displayName(table.symbol(i)));
      }
    }
  }

  #symbol(name: RegExp): number {
    const { symbols } = this.elf;
    for (let i = 1; i < symbols.count; i++) if (name.test(symbols.displayName(i))) return i;
    throw new Error(`the payload has no symbol ${name}`);
  }

  /** Lets references of a section lead to another symbol. */
  redirect(name: string | RegExp, ...pairs: readonly (readonly [from: RegExp, to: RegExp])[]): void {
    const to = pairs.map(([, symbol]) => this.#symbol(symbol));
    let count = 0;
    this.relocations(this.section(name), (_, at, symbol) => {
      const i = pairs.findIndex(([from]) => from.test(symbol));
      if (i < 0) return;
      this.#view.setUint32(at + 12, to[i] as number, true);
      count++;
    });
    if (count === 0) throw new Error('nothing to redirect');
  }

  /** Adds to the addends of references to a symbol. */
  shift(name: string | RegExp, symbol: RegExp, by: bigint): void {
    let count = 0;
    this.relocations(this.section(name), (_, at, own) => {
      if (!symbol.test(own)) return;
      this.#view.setBigInt64(at + 16, this.#view.getBigInt64(at + 16, true) + by, true);
      count++;
    });
    if (count === 0) throw new Error('nothing to shift');
  }
}

import type { Architecture, RelocationRow } from '../arch/index.ts';
import type { ElfSection } from '../elf/index.ts';
import { type PayloadFile, type PayloadPointer, PointerReader, SymbolLocator } from '../payload/index.ts';

/** One relocation of a payload's section. */
export interface PayloadRelocation {
  /** Section index of what it changes. */
  readonly section: number;
  /** Bytes from the start of that section. */
  readonly offset: number;
  readonly type: number;
  /** What the architecture makes of the type; `undefined` where Xen has no such relocation. */
  readonly row: RelocationRow | undefined;
  /** Index in the symbol table. */
  readonly symbol: number;
  /** The symbol's name, or its section's; a byte string. */
  readonly name: string;
  /** As it stands in the file. */
  readonly addend: bigint;
  /** Symbol and addend. Relative ones count from the field itself: a `call` leads 4 bytes behind it. */
  readonly target: PayloadPointer;
}

/** Most relocations that are read of one payload: as many as fit into the largest file that Xen takes. */
const MOST = 0x20_0000 / 16;

/** All relocations of sections that are loaded, read when they are asked for, and once. */
export class PayloadRelocations {
  readonly #payload: PayloadFile;
  readonly #arch: Architecture;
  readonly #locator: SymbolLocator;
  readonly #bySection = new Map<number, readonly PayloadRelocation[]>();
  #left = MOST;

  constructor(payload: PayloadFile, arch: Architecture) {
    this.#payload = payload;
    this.#arch = arch;
    this.#locator = new SymbolLocator(payload.elf);
  }

  /** Those of one section, in ascending order of their offsets. */
  of(section: ElfSection): readonly PayloadRelocation[] {
    const known = this.#bySection.get(section.index);
    if (known !== undefined) return known;
    const read = this.#read(section);
    this.#bySection.set(section.index, read);
    return read;
  }

  #read(section: ElfSection): PayloadRelocation[] {
    const { elf } = this.#payload;
    const pointers = new PointerReader(elf, section, this.#locator);
    const found: PayloadRelocation[] = [];
    for (const table of elf.relocationsOf(section.index)) {
      for (let i = 0; i < table.count && this.#left > 0; i++, this.#left--) {
        const symbol = table.symbol(i);
        const addend = table.addend(i);
        // An addend that no displacement has is a broken file's: it leads nowhere.
        const near = addend >= -0x8000_0000n && addend <= 0x7fff_ffffn ? Number(addend) : 0;
        const type = table.type(i);
        found.push({
          section: section.index,
          offset: table.offset(i),
          type,
          row: this.#arch.relocations.get(type),
          symbol,
          name: symbol === 0 || symbol >= elf.symbols.count ? '' : elf.symbols.displayName(symbol),
          addend,
          target: pointers.fromSymbol(symbol, near),
        });
      }
    }
    return found.sort((a, b) => a.offset - b.offset);
  }
}

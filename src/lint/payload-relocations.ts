import { type Architecture, implicitAddend, type RelocationRow } from '../arch/index.ts';
import { viewOf } from '../base/index.ts';
import type { ElfSection } from '../elf/index.ts';
import { type PayloadFile, type PayloadPointer, PointerReader, SymbolLocator } from '../payload/index.ts';

/** One relocation of a payload's section. */
export interface PayloadRelocation {
  /** Index of the section that it changes. */
  readonly section: number;
  /** Bytes from the start of that section. */
  readonly offset: number;
  readonly type: number;
  /** The architecture's row for the type; `undefined` if Xen does not implement it. */
  readonly row: RelocationRow | undefined;
  /** Index in the symbol table. */
  readonly symbol: number;
  /** Name of the symbol or its section; a byte string. */
  readonly name: string;
  /** The entry's addend or, in a REL table, the implicit one. */
  readonly addend: bigint;
  /** Symbol plus addend. For a PC-relative x86 `call`, this is 4 bytes before the target. */
  readonly target: PayloadPointer;
}

/** Maximum number of relocations per payload: as many as fit into the largest file that Xen accepts. */
const MAX_RELOCATIONS = 0x20_0000 / 16;

/** The relocations of loaded sections. Reads those of each section once, on first use. */
export class PayloadRelocations {
  readonly #payload: PayloadFile;
  readonly #arch: Architecture;
  readonly #locator: SymbolLocator;
  readonly #bySection = new Map<number, readonly PayloadRelocation[]>();
  #left = MAX_RELOCATIONS;

  constructor(payload: PayloadFile, arch: Architecture) {
    this.#payload = payload;
    this.#arch = arch;
    this.#locator = new SymbolLocator(payload.elf);
  }

  /** Returns the relocations of one section, sorted by offset. */
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
        const type = table.type(i);
        const offset = table.offset(i);
        const row = this.#arch.relocations.get(type);
        const addend = table.hasAddends ? table.addend(i) : addendAt(row, section, offset);
        // Only a broken file has an addend wider than a displacement; ignore it.
        const near = addend >= -0x8000_0000n && addend <= 0x7fff_ffffn ? Number(addend) : 0;
        found.push({
          section: section.index,
          offset,
          type,
          row,
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

/** Returns the addend in a section's own bytes; 0 if the type has none or the place is out of bounds. */
function addendAt(row: RelocationRow | undefined, section: ElfSection, offset: number): bigint {
  const bytes = section.data();
  if (row === undefined || row.width === 0 || offset + 4 > bytes.length) return 0n;
  return BigInt(implicitAddend(row, viewOf(bytes).getUint32(offset, true)));
}

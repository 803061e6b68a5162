import { type Architecture, implicitAddend, type RelocationRow } from '../arch/index.ts';
import { viewOf } from '../base/index.ts';
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
  /** The entry's own, or, in a REL table, the one at its place. */
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
        const type = table.type(i);
        const offset = table.offset(i);
        const row = this.#arch.relocations.get(type);
        const addend = table.hasAddends ? table.addend(i) : addendAt(row, section, offset);
        // An addend that no displacement has is a broken file's: it leads nowhere.
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

/** Returns the addend in a section's own bytes; 0 where the type has none or the place is outside of them. */
function addendAt(row: RelocationRow | undefined, section: ElfSection, offset: number): bigint {
  const bytes = section.data();
  if (row === undefined || row.width === 0 || offset + 4 > bytes.length) return 0n;
  return BigInt(implicitAddend(row, viewOf(bytes).getUint32(offset, true)));
}

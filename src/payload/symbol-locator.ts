import { type ElfFile, STT_FILE, STT_FUNC, STT_OBJECT, STT_SECTION } from '../elf/index.ts';

/** A place in a section as a symbol and a distance in bytes. */
export interface SymbolPlace {
  readonly symbol: string;
  readonly distance: number;
}

interface Row {
  readonly offset: number;
  readonly index: number;
}

/** Finds the symbol for a place in a section: the last one at or before it. Sorts on first use. */
export class SymbolLocator {
  readonly #file: ElfFile;
  #bySection: Map<number, Row[]> | undefined;

  constructor(file: ElfFile) {
    this.#file = file;
  }

  /** Returns the symbol for `offset` in section `section`; of several, one with a type, then the first. */
  locate(section: number, offset: number): SymbolPlace | undefined {
    this.#bySection ??= this.#collect();
    const rows = this.#bySection.get(section);
    if (rows === undefined) return undefined;
    let low = 0;
    let high = rows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((rows[middle] as Row).offset <= offset) low = middle + 1;
      else high = middle;
    }
    const row = rows[low - 1];
    return row && { symbol: this.#file.symbols.name(row.index), distance: offset - row.offset };
  }

  #collect(): Map<number, Row[]> {
    const { symbols } = this.#file;
    const bySection = new Map<number, Row[]>();
    for (let index = 1; index < symbols.count; index++) {
      const section = symbols.sectionIndex(index);
      const type = symbols.type(index);
      if (section === undefined || type === STT_SECTION || type === STT_FILE) continue;
      const name = symbols.name(index);
      // The compiler's local labels and Arm's mapping symbols ($a, $d, $x) mean nothing to a reader.
      if (name === '' || name.startsWith('.L') || name.startsWith('$')) continue;
      const row = { offset: Number(symbols.value(index)), index };
      const rows = bySection.get(section);
      if (rows === undefined) bySection.set(section, [row]);
      else rows.push(row);
    }
    const typed = ({ index }: Row): number => {
      const type = symbols.type(index);
      return type === STT_FUNC || type === STT_OBJECT ? 1 : 0;
    };
    // The search takes the last of equal offsets, so the best comes last.
    for (const rows of bySection.values()) {
      rows.sort((a, b) => a.offset - b.offset || typed(a) - typed(b) || b.index - a.index);
    }
    return bySection;
  }
}

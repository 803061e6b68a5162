import { viewOf } from '../base/index.ts';
import { type AbbreviationTable, readAbbreviations } from './abbreviations.ts';
import { Budget } from './budget.ts';
import { Cursor } from './cursor.ts';
import type { DebugSections } from './debug-sections.ts';
import type { Entry } from './entry.ts';
import type { Problems } from './problems.ts';
import { Strings } from './strings.ts';
import type { Unit, UnitHeader } from './unit.ts';

/** What the units of one file share. */
export class Context {
  readonly sections: DebugSections;
  readonly problems: Problems;
  readonly strings: Strings;
  /** The bytes of `.debug_info`. */
  readonly info: Uint8Array;
  readonly infoView: DataView;
  readonly #tables = new Map<string, AbbreviationTable>();
  #budget: Budget | undefined;
  #units: readonly Unit[] = [];
  #signatures: Map<bigint, Entry> | undefined;

  constructor(sections: DebugSections, problems: Problems) {
    this.sections = sections;
    this.problems = problems;
    this.strings = new Strings(sections, problems);
    this.info = sections.get('.debug_info');
    this.infoView = viewOf(this.info);
  }

  get units(): readonly Unit[] {
    return this.#units;
  }

  /** The units, in file order, once they have been read. */
  setUnits(units: readonly Unit[]): void {
    this.#units = units;
  }

  /** The abbreviations of a unit; units may share them. */
  abbreviations({ abbreviationOffset: offset, addressSize }: UnitHeader): AbbreviationTable {
    const key = `${offset},${addressSize}`;
    let table = this.#tables.get(key);
    if (table === undefined) {
      const bytes = this.sections.get('.debug_abbrev');
      this.#budget ??= new Budget(2 * bytes.length + 64);
      table = readAbbreviations(new Cursor(bytes, offset), addressSize, this.#budget);
      if (this.#budget.spent) this.problems.add('Too many tables overlap; the others are left out', '.debug_abbrev');
      this.#tables.set(key, table);
    }
    return table;
  }

  /** The unit that an offset of `.debug_info` is in. */
  unitOf(offset: number): Unit | undefined {
    let low = 0;
    let high = this.#units.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#units[middle] as Unit).offset <= offset) low = middle + 1;
      else high = middle;
    }
    const unit = this.#units[low - 1];
    return unit !== undefined && offset < unit.end ? unit : undefined;
  }

  /** The entry at an offset of `.debug_info`, which a reference names; `undefined` where there is none. */
  entryAt(offset: number): Entry | undefined {
    return this.unitOf(offset)?.entryAt(offset);
  }

  /** The type of the type unit with this signature (DW_FORM_ref_sig8). */
  typeBySignature(signature: bigint): Entry | undefined {
    if (this.#signatures === undefined) {
      this.#signatures = new Map();
      for (const unit of this.#units) {
        const own = unit.header.signature;
        const type = own && unit.entryAt(own.typeOffset);
        if (own !== undefined && type !== undefined) this.#signatures.set(own.value, type);
      }
    }
    return this.#signatures.get(signature);
  }
}

import { viewOf } from '../base/index.ts';
import { type AbbreviationTable, readAbbreviations } from './abbreviations.ts';
import { Budget } from './budget.ts';
import { Cursor } from './cursor.ts';
import type { DebugSections } from './debug-sections.ts';
import type { Problems } from './problems.ts';
import { Strings } from './strings.ts';
import type { UnitHeader } from './unit-header.ts';

/** State that the units of one file share. */
export class Context {
  readonly sections: DebugSections;
  readonly problems: Problems;
  readonly strings: Strings;
  /** The bytes of `.debug_info`. */
  readonly info: Uint8Array;
  readonly infoView: DataView;
  readonly #tables = new Map<string, AbbreviationTable>();
  #budget: Budget | undefined;

  constructor(sections: DebugSections, problems: Problems) {
    this.sections = sections;
    this.problems = problems;
    this.strings = new Strings(sections, problems);
    this.info = sections.get('.debug_info');
    this.infoView = viewOf(this.info);
  }

  /** Returns the abbreviations of a unit; units may share them. */
  abbreviations({ abbreviationOffset: offset, addressSize }: UnitHeader): AbbreviationTable {
    const key = `${offset},${addressSize}`;
    let table = this.#tables.get(key);
    if (table === undefined) {
      const bytes = this.sections.get('.debug_abbrev');
      this.#budget ??= new Budget(2 * bytes.length + 64);
      table = readAbbreviations(new Cursor(bytes, offset), addressSize, this.#budget);
      if (this.#budget.spent) this.problems.add('Too many tables overlap; skipped the rest', '.debug_abbrev');
      this.#tables.set(key, table);
    }
    return table;
  }
}

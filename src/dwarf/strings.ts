import { Budget } from './budget.ts';
import { Cursor, textOf } from './cursor.ts';
import type { DebugSections } from './debug-sections.ts';
import type { Problems } from './problems.ts';

/** Linkers let texts share their ends, so that a few bytes are decoded more than once in a sound file. */
const SHARED = 16;

interface Table {
  readonly bytes: Uint8Array;
  readonly texts: Map<number, string>;
  readonly budget: Budget;
}

/** The texts of `.debug_str` and `.debug_line_str`, each decoded once. */
export class Strings {
  readonly #sections: DebugSections;
  readonly #problems: Problems;
  readonly #tables = new Map<string, Table>();
  #offsets: Uint8Array | undefined;

  constructor(sections: DebugSections, problems: Problems) {
    this.#sections = sections;
    this.#problems = problems;
  }

  /** The text at `offset` of a string section; empty where there is none. */
  text(section: '.debug_str' | '.debug_line_str', offset: number): string {
    let table = this.#tables.get(section);
    if (table === undefined) {
      const bytes = this.#sections.get(section);
      table = { bytes, texts: new Map(), budget: new Budget(SHARED * bytes.length + 2 ** 16) };
      this.#tables.set(section, table);
    }
    const known = table.texts.get(offset);
    if (known !== undefined) return known;
    if (offset >= table.bytes.length) {
      this.#problems.add('A text is past the end of the section', section, offset);
      return '';
    }
    const text = textOf(table.bytes, offset);
    if (!table.budget.take(text.length + 1)) {
      this.#problems.add('Too many texts overlap; the others are left out', section);
      return '';
    }
    table.texts.set(offset, text);
    return text;
  }

  /** The text of DW_FORM_strx: row `index` of the offsets that start at `base` (DWARF 5, 7.26). */
  indexed(base: number | undefined, index: number): string {
    this.#offsets ??= this.#sections.get('.debug_str_offsets');
    if (base === undefined) {
      this.#problems.add('A text is given by its number, but the unit has no DW_AT_str_offsets_base', '.debug_info');
      return '';
    }
    const at = base + 4 * index;
    const cursor = new Cursor(this.#offsets, at);
    const offset = cursor.u32();
    if (!cursor.overrun) return this.text('.debug_str', offset);
    this.#problems.add('A text is past the end of the section', '.debug_str_offsets', at);
    return '';
  }
}

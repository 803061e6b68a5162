import { Budget } from './budget.ts';
import { Cursor, textOf } from './cursor.ts';
import type { DebugSections } from './debug-sections.ts';
import type { Problems } from './problems.ts';

/** Linkers merge common suffixes of texts, so even in a sound file some bytes are decoded more than once. */
const SHARED = 16;

interface Table {
  readonly bytes: Uint8Array;
  readonly texts: Map<number, string>;
  readonly budget: Budget;
}

/** Decodes the texts of `.debug_str` and `.debug_line_str`, each once. */
export class Strings {
  readonly #sections: DebugSections;
  readonly #problems: Problems;
  readonly #tables = new Map<string, Table>();
  #offsets: Uint8Array | undefined;

  constructor(sections: DebugSections, problems: Problems) {
    this.#sections = sections;
    this.#problems = problems;
  }

  /** Returns the text at `offset` of a string section; empty if there is none. */
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
      this.#problems.add('Too many texts overlap; skipped the rest', section);
      return '';
    }
    table.texts.set(offset, text);
    return text;
  }

  /** Returns the text of DW_FORM_strx: row `index` of the offsets at `base` (DWARF 5, 7.26). */
  indexed(base: number | undefined, index: number): string {
    this.#offsets ??= this.#sections.get('.debug_str_offsets');
    if (base === undefined) {
      this.#problems.add('A text is given by index, but the unit has no DW_AT_str_offsets_base', '.debug_info');
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

import type { Budget } from './budget.ts';
import { DW_FORM_implicit_const } from './constants.ts';
import type { Cursor } from './cursor.ts';
import { fixedSize } from './forms.ts';

/** One abbreviation (DWARF 5, 7.5.3). Names, forms and constants are columns. */
export interface Abbreviation {
  readonly tag: number;
  readonly hasChildren: boolean;
  /** DW_AT_… */
  readonly names: readonly number[];
  /** DW_FORM_… */
  readonly forms: readonly number[];
  /** Values of DW_FORM_implicit_const by row; the other rows have none. */
  readonly constants: readonly (number | undefined)[];
  /**
   * How to skip the attributes: a positive number is a byte count, a negative one the form of a value of variable size. Attributes without
   * bytes take no step, so skipping never costs more than the skipped bytes.
   */
  readonly steps: readonly number[];
}

/** Abbreviations by code; codes are usually 1, 2, 3, … */
export type AbbreviationTable = ReadonlyMap<number, Abbreviation>;

/** Shared by abbreviations without constants, which most are. */
const NONE: (number | undefined)[] = [];

/** Reads one table, up to its zero code, the end, or the budget. */
export function readAbbreviations(cursor: Cursor, addressSize: number, budget: Budget): AbbreviationTable {
  const table = new Map<number, Abbreviation>();
  while (!cursor.done) {
    const start = cursor.at;
    const code = cursor.uleb();
    if (code === 0) break;
    const tag = cursor.uleb();
    const hasChildren = cursor.u8() !== 0;
    const names: number[] = [];
    const forms: number[] = [];
    let constants = NONE;
    const steps: number[] = [];
    for (;;) {
      const name = cursor.uleb();
      const form = cursor.uleb();
      if (form === DW_FORM_implicit_const) {
        if (constants === NONE) constants = [];
        constants[names.length] = cursor.sleb();
      }
      if ((name === 0 && form === 0) || cursor.overrun) break;
      names.push(name);
      forms.push(form);
      const size = fixedSize(form, addressSize);
      const last = steps.length - 1;
      if (size === undefined) steps.push(-form);
      else if (size !== 0 && last >= 0 && (steps[last] as number) > 0) steps[last] = (steps[last] as number) + size;
      else if (size !== 0) steps.push(size);
    }
    if (cursor.overrun || !budget.take(cursor.at - start)) break;
    // The first definition of a code wins, as in binutils.
    if (!table.has(code)) table.set(code, { tag, hasChildren, names, forms, constants, steps });
  }
  return table;
}

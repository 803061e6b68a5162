import { beyondLimit, SCRIPT_LIMITS } from './limits.ts';
import { type ScriptEntry, scriptError } from './node.ts';
import { hasReference, type VariableValue } from './variables.ts';

/** One combination of a matrix: a value for each key, in order. */
export type MatrixCell = ReadonlyMap<string, VariableValue>;

/** Formats a combination: `release=4.17.2 cpu=amd-zen4`. */
export const cellText = (cell: MatrixCell): string => [...cell].map(([key, value]) => `${key}=${value}`).join(' ');

/** Returns all combinations; the last key varies fastest. Without a matrix there is one, which is empty. Throws an XspliceError (EFILE). */
export function combinations(matrix: ReadonlyMap<string, ScriptEntry>, file: string): MatrixCell[] {
  let cells: MatrixCell[] = [new Map()];
  for (const [key, entry] of matrix) {
    const values = valuesOf(entry);
    if (cells.length * values.length > SCRIPT_LIMITS.combinations) {
      throw beyondLimit(file, 'combinations in the matrix', SCRIPT_LIMITS.combinations);
    }
    cells = cells.flatMap((cell) => values.map((value) => new Map([...cell, [key, value]])));
  }
  return cells;
}

function valuesOf({ key, value }: ScriptEntry): VariableValue[] {
  if (value.kind !== 'list' || value.items.length === 0) {
    throw scriptError(value.place, `${key} has no values`, 'a list of at least one');
  }
  return value.items.map((item) => {
    if (item.kind !== 'scalar') throw scriptError(item.place, `${key}: a value is text, a number, true or false`);
    if (typeof item.value === 'string' && hasReference(item.value)) {
      throw scriptError(
        item.place,
        `${key}: the values of a matrix take no variables`,
        'the texts of variables may use those of a matrix',
      );
    }
    return item.value;
  });
}

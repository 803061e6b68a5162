/** Lines left to search, for a whole series. Bounds the time on bad patches. */
export interface SearchBudget {
  left: number;
}

/** Where lines occur in a file, and the nearest match. */
export interface Places {
  /** Indices of the first two matches. */
  readonly found: readonly number[];
  /** The place with the most matching leading lines, and their number. */
  readonly closest: { readonly at: number; readonly lines: number };
  /** Did the budget end the search? */
  readonly gaveUp: boolean;
}

/** Does `wanted` match `lines` at `at`? */
export function standsAt(lines: readonly string[], wanted: readonly string[], at: number): boolean {
  if (at < 0 || at + wanted.length > lines.length) return false;
  return wanted.every((line, i) => line === lines[at + i]);
}

/**
 * Finds up to two matches of `wanted` in `lines` from `start`, so that the caller knows whether one is unique. Linear time (Knuth,
 * Morris and Pratt), so that no patch or source makes it slow. `wanted` is not empty.
 */
export function findLines(
  lines: readonly string[],
  wanted: readonly string[],
  start: number,
  budget: SearchBudget,
): Places {
  const found: number[] = [];
  let closest = { at: start, lines: 0 };
  const work = lines.length - start + wanted.length;
  budget.left -= work;
  if (budget.left < 0) return { found, closest, gaveUp: true };
  const borders = bordersOf(wanted);
  let matched = 0;
  for (let at = start; at < lines.length && found.length < 2; at++) {
    while (matched > 0 && lines[at] !== wanted[matched]) matched = borders[matched - 1] ?? 0;
    if (lines[at] === wanted[matched]) matched++;
    if (matched > closest.lines) closest = { at: at - matched + 1, lines: matched };
    if (matched < wanted.length) continue;
    found.push(at - matched + 1);
    matched = borders[matched - 1] ?? 0;
  }
  return { found, closest, gaveUp: false };
}

/** Returns, for each prefix, the length of the longest shorter prefix that it ends with. */
function bordersOf(wanted: readonly string[]): Int32Array {
  const borders = new Int32Array(wanted.length);
  let length = 0;
  for (let i = 1; i < wanted.length; i++) {
    while (length > 0 && wanted[i] !== wanted[length]) length = borders[length - 1] ?? 0;
    if (wanted[i] === wanted[length]) length++;
    borders[i] = length;
  }
  return borders;
}

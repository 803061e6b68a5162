/** Lines that may still be looked at, over a whole series. What is wrong with a patch is no reason to search for ever. */
export interface SearchBudget {
  left: number;
}

/** Where lines stand in a file, and where the search for them came closest. */
export interface Places {
  /** Indices of the first line of the first two places. */
  readonly found: readonly number[];
  /** The place where most lines from the first on are right, and how many. */
  readonly closest: { readonly at: number; readonly lines: number };
  /** Whether the budget ended the search. */
  readonly gaveUp: boolean;
}

/** Whether `wanted` stands in `lines` at `at`. */
export function standsAt(lines: readonly string[], wanted: readonly string[], at: number): boolean {
  if (at < 0 || at + wanted.length > lines.length) return false;
  return wanted.every((line, i) => line === lines[at + i]);
}

/**
 * Looks for `wanted` in `lines` from `start` on: up to two places, so that the caller knows whether there is one only. In linear
 * time, by Knuth, Morris and Pratt: neither patches nor sources may make it slow. `wanted` is not empty.
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

/** For each prefix, the length of the longest shorter prefix that it ends with. */
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

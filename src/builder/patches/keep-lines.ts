import { type CLines, scanC } from './c-lines.ts';
import { lineOrigins } from './line-origins.ts';
import { linesOf } from './text.ts';

/** Sources that the C preprocessor reads. */
const PREPROCESSED = /\.[chS]$/;

/** Lines inside the parentheses of a call, after which a directive goes there anyway. */
const PARENTHESES_MAX = 200;

/** A directive in the source itself that sets the next line's number. */
const LINE_DIRECTIVE = /^[ \t]*#[ \t]*(?:line[ \t]+)?(\d{1,9})\b/;

/**
 * Adds `#line` directives to a changed source, so that every old line keeps its number. `__LINE__` (in WARN, BUG and ASSERT) then
 * stays the same in unchanged functions, and they compile to the same code. Added lines continue the numbers of the line before
 * them. Byte strings; files other than C or preprocessed assembly stay as they are.
 */
export function keepLines(before: string, after: string, path: string): string {
  if (!PREPROCESSED.test(path) || before === after || before === '') return after;
  const lines = linesOf(after);
  const wanted = wantedNumbers(linesOf(before), lines);
  const c = scanC(lines);
  const out: string[] = [];
  let number = 1;
  // Conditionals around the last directive. cpp may skip a branch, and the directive with it.
  let within = 0;
  let again = false;
  let place = -1;
  for (const [i, line] of lines.entries()) {
    const want = wanted[i] ?? 0;
    if (want !== 0 && (want !== number || again) && place < i) place = placeFor(i, wanted, c);
    if (place === i) {
      out.push(`#line ${want}\n`);
      number = want;
      within = Math.max(within, c.level[i] ?? 0);
      again = false;
      place = -1;
    }
    out.push(line);
    number = nextNumber(line, number);
    const level = c.level[i] ?? 0;
    if (c.conditional[i] === 'if' || c.conditional[i] === undefined || level > within) continue;
    // cpp may have skipped the directives in the branches that end here.
    if (within > 0) again = true;
    if (c.conditional[i] === 'endif') within = level - 1;
  }
  return out.join('');
}

/** Returns the number of the line after one with `number`. */
export const nextNumber = (line: string, number: number): number => {
  const own = LINE_DIRECTIVE.exec(line);
  return own === null ? number + 1 : Number(own[1]);
};

/** Returns the old number of each line of `after`; 0 for an added one. */
function wantedNumbers(before: readonly string[], after: readonly string[]): Int32Array {
  const numbers = new Int32Array(before.length);
  let number = 1;
  for (const [i, line] of before.entries()) {
    numbers[i] = number;
    number = nextNumber(line, number);
  }
  return lineOrigins(before, after).map((origin) => (origin < 0 ? 0 : (numbers[origin] ?? 0)));
}

/** Returns the first line from `start`, before the next change, that a directive may precede; -1 if there is none. */
function placeFor(start: number, wanted: Int32Array, c: CLines): number {
  let second = -1;
  for (let at = start; at < wanted.length && at < start + PARENTHESES_MAX; at++) {
    const want = wanted[at] ?? 0;
    if (at > start && want !== (wanted[at - 1] ?? 0) + 1) break;
    if (c.open[at] !== 1) continue;
    if (c.depth[at] === 0) return at;
    // gcc and clang accept a directive inside a call; the standard leaves it undefined.
    if (second < 0) second = at;
  }
  return second;
}

import { type CLines, scanC } from './c-lines.ts';
import { lineOrigins } from './line-origins.ts';
import { linesOf } from './text.ts';

/** Sources that go through the C preprocessor. */
const PREPROCESSED = /\.[chS]$/;

/** Lines that may pass, between the parentheses of a call, before a directive is put there after all. */
const PARENTHESES_MAX = 200;

/** A directive of the source itself that sets the number of the next line. */
const LINE_DIRECTIVE = /^[ \t]*#[ \t]*(?:line[ \t]+)?(\d{1,9})\b/;

/**
 * The source after a change, with `#line` directives that give each line that was there before its old number. So `__LINE__`
 * (in WARN, BUG and ASSERT) is what it was in functions that the change does not touch, and they compile to the same code.
 * Lines that were added are numbered on from the line before them. Byte strings; files that are not C or preprocessed
 * assembly come back as they are.
 */
export function keepLines(before: string, after: string, path: string): string {
  if (!PREPROCESSED.test(path) || before === after || before === '') return after;
  const lines = linesOf(after);
  const wanted = wantedNumbers(linesOf(before), lines);
  const c = scanC(lines);
  const out: string[] = [];
  let number = 1;
  // Conditionals that the last directive stands in: where their branch is left out, so is the directive.
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
    // Of the directives in the branches that end here, cpp may have seen none.
    if (within > 0) again = true;
    if (c.conditional[i] === 'endif') within = level - 1;
  }
  return out.join('');
}

/** Returns the number of the line behind one that has `number`. */
export const nextNumber = (line: string, number: number): number => {
  const own = LINE_DIRECTIVE.exec(line);
  return own === null ? number + 1 : Number(own[1]);
};

/** The number that each line of `after` had before; 0 for one that was added. */
function wantedNumbers(before: readonly string[], after: readonly string[]): Int32Array {
  const numbers = new Int32Array(before.length);
  let number = 1;
  for (const [i, line] of before.entries()) {
    numbers[i] = number;
    number = nextNumber(line, number);
  }
  return lineOrigins(before, after).map((origin) => (origin < 0 ? 0 : (numbers[origin] ?? 0)));
}

/** The first line from `start` on, before the next change, that a directive may stand before; -1 where there is none. */
function placeFor(start: number, wanted: Int32Array, c: CLines): number {
  let second = -1;
  for (let at = start; at < wanted.length && at < start + PARENTHESES_MAX; at++) {
    const want = wanted[at] ?? 0;
    if (at > start && want !== (wanted[at - 1] ?? 0) + 1) break;
    if (c.open[at] !== 1) continue;
    if (c.depth[at] === 0) return at;
    // Within a call, gcc and clang take one; the standard leaves open what it does there.
    if (second < 0) second = at;
  }
  return second;
}

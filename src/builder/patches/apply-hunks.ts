import type { Finding } from '../../base/index.ts';
import { findLines, type SearchBudget, standsAt } from './find-hunk.ts';
import { linesOf, shown } from './text.ts';
import type { Hunk, HunkLine } from './types.ts';

/** What keeps a hunk from its file: a finding before the patch and the file are known. */
export type HunkFinding = Pick<Finding, 'rule' | 'message' | 'advice'> & { readonly hunk: Hunk };

/** A file with all hunks applied, or the hunks that failed. */
export interface HunksResult {
  readonly after: string;
  readonly faults: readonly HunkFinding[];
  /** Hunks found at an offset: lines down, negative for up. */
  readonly offsets: readonly { readonly hunk: Hunk; readonly offset: number }[];
}

/** The hint for a tree that already has the change. */
export const APPLIED_ALREADY = 'The patch seems to be applied already; remove it from the list';

/** Cost of splitting and joining a file, in compared lines. */
const SPLIT_COST = 4;

const GAVE_UP = 'the patch takes too long to apply: too many of its hunks have moved';

/** Returns one side of a hunk. */
const side = (hunk: Hunk, other: '+' | '-'): string[] =>
  hunk.lines.filter(({ kind }) => kind !== other).map(({ text }) => text);

/** Counts a hunk's leading context lines; trailing ones if reversed. */
function context(lines: readonly HunkLine[]): number {
  const changed = lines.findIndex(({ kind }) => kind !== ' ');
  return changed < 0 ? lines.length : changed;
}

/**
 * Applies hunks without fuzz: every line of a hunk must match exactly. A hunk may lie elsewhere than its header says if only one
 * such place exists.
 */
export function applyHunks(before: string, hunks: readonly Hunk[], budget: SearchBudget): HunksResult {
  if (hunks.length === 0) return { after: before, faults: [], offsets: [] };
  const lines = linesOf(before);
  const pieces: string[] = [];
  const faults: HunkFinding[] = [];
  const offsets: { hunk: Hunk; offset: number }[] = [];
  let [done, offset] = [0, 0];
  // A patch may name one file many times.
  budget.left -= SPLIT_COST * lines.length;
  for (const hunk of hunks) {
    const place = placeOf(lines, hunk, done, offset, budget);
    if (typeof place !== 'number') {
      faults.push(place);
      continue;
    }
    offset = place - statedIndex(hunk);
    if (offset !== 0) offsets.push({ hunk, offset });
    for (let i = done; i < place; i++) pieces.push(lines[i] ?? '');
    for (const { kind, text } of hunk.lines) if (kind !== '-') pieces.push(text);
    done = place + side(hunk, '+').length;
  }
  for (let i = done; i < lines.length; i++) pieces.push(lines[i] ?? '');
  const torn = pieces.findIndex((piece, i) => i + 1 < pieces.length && !piece.endsWith('\n'));
  const last = hunks.at(-1);
  if (torn >= 0 && last !== undefined && faults.length === 0) {
    faults.push({
      hunk: last,
      rule: 'patch-mismatch',
      message: 'it ends the file without a newline, but the file continues there',
    });
  }
  return { after: pieces.join(''), faults, offsets };
}

/** Returns the line index in a hunk's header. A hunk without old lines names the line before it. */
const statedIndex = (hunk: Hunk): number => (hunk.oldLines === 0 ? hunk.oldStart : hunk.oldStart - 1);

function placeOf(
  lines: readonly string[],
  hunk: Hunk,
  done: number,
  offset: number,
  budget: SearchBudget,
): number | HunkFinding {
  if (budget.left < 0) return { hunk, rule: 'patch-too-large', message: GAVE_UP };
  const wanted = side(hunk, '+');
  const stated = statedIndex(hunk);
  if (wanted.length === 0) {
    if (lines.length === 0 && stated === 0) return 0;
    const message = 'it adds lines without context that says where';
    return { hunk, rule: 'patch-no-context', message, advice: 'Make the patch with context: diff -U3' };
  }
  const [leading, trailing] = [context(hunk.lines), context(hunk.lines.toReversed())];
  // Like patch: less context on one side means the start or the end of the file.
  const atStart = leading < trailing && hunk.oldStart <= 1;
  const atEnd = trailing < leading;
  const allowed = (at: number): boolean =>
    at >= done && (!atStart || at === 0) && (!atEnd || at + wanted.length === lines.length);
  // After an earlier hunk was found elsewhere, headers are unreliable: the place must be unique.
  if (offset === 0 && allowed(stated) && standsAt(lines, wanted, stated)) return stated;
  if (atStart && allowed(0) && standsAt(lines, wanted, 0)) return 0;
  const last = lines.length - wanted.length;
  if (atEnd && !atStart && allowed(last) && standsAt(lines, wanted, last)) return last;
  const places = findLines(lines, wanted, done, budget);
  if (places.gaveUp) return { hunk, rule: 'patch-too-large', message: GAVE_UP };
  const [first, second] = places.found;
  if (first === undefined) return mismatch(lines, hunk, wanted, [stated, stated + offset, places.closest.at], budget);
  if (atStart || atEnd) {
    const message = `its lines are at line ${first + 1}, but the hunk says that the file ${atStart ? 'starts' : 'ends'} there`;
    return { hunk, rule: 'patch-mismatch', message, ...already(lines, hunk, budget) };
  }
  if (second === undefined) return first;
  const message = `its lines match at several places, for example lines ${first + 1} and ${second + 1}, but not at line ${hunk.oldStart}`;
  return {
    hunk,
    rule: 'patch-ambiguous',
    message,
    advice: 'Make the patch for this version of the file, or with more context',
  };
}

/** Returns the first mismatch at the place with the most matching lines. */
function mismatch(
  lines: readonly string[],
  hunk: Hunk,
  wanted: readonly string[],
  places: readonly number[],
  budget: SearchBudget,
): HunkFinding {
  const right = (at: number): number => {
    const wrong = wanted.findIndex((line, i) => line !== lines[at + i]);
    return wrong < 0 ? wanted.length : wrong;
  };
  const [stated = 0] = places;
  const best = places.reduce((a, b) => (right(b) > right(a) ? b : a), stated);
  const index = right(best);
  if (index === wanted.length) {
    return {
      hunk,
      rule: 'patch-mismatch',
      message: 'its lines match those of an earlier hunk: the hunks overlap or are out of order',
    };
  }
  const expected = wanted[index] ?? '';
  const found = lines[best + index] ?? null;
  const blanks = found !== null && found.replace(/[ \t\r\n]/g, '') === expected.replace(/[ \t\r\n]/g, '');
  const shownFound = found === null ? `the file has only ${lines.length} lines` : `the file has ${quoted(found)}`;
  const only = blanks ? ' (only white space or the line ending differs)' : '';
  return {
    hunk,
    rule: 'patch-mismatch',
    message: `line ${best + index + 1}: the patch expects ${quoted(expected)}, but ${shownFound}${only}`,
    ...already(lines, hunk, budget),
  };
}

const quoted = (line: string): string => `“${shown(line)}”`;

/** Does the file already contain the hunk's result? */
function already(lines: readonly string[], hunk: Hunk, budget: SearchBudget): { advice?: string } {
  const made = side(hunk, '-');
  const adds = hunk.lines.some(({ kind }) => kind !== ' ');
  if (made.length === 0 || !adds) return {};
  const there = standsAt(lines, made, hunk.newStart - 1) || findLines(lines, made, 0, budget).found.length > 0;
  return there ? { advice: APPLIED_ALREADY } : {};
}

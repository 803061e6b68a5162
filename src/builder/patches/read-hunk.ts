import type { Finding } from '../../base/index.ts';
import { shown, withoutNewline } from './text.ts';
import type { Hunk, HunkLine } from './types.ts';

/** A fault at a line of a patch; the caller adds the file. */
export interface Fault extends Pick<Finding, 'rule' | 'message' | 'advice'> {
  /** Index of the line, from 0. */
  readonly at: number;
  readonly path?: string;
  readonly hunk?: string;
}

/** A hunk or its fault, and the index of the next line. */
export type HunkResult =
  | { readonly hunk: Hunk; readonly next: number }
  | { readonly fault: Fault; readonly next: number };

const HEADER = /^@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@/;

/** Does a line begin a hunk? */
export const isHunkHeader = (line: string): boolean => line.startsWith('@@ -');

const WRAPPED_HINT =
  'The mail is damaged (wrapped lines or removed blanks). Take the patch from git, or the raw mail from the list archive';

/**
 * Reads the hunk with its header at `lines[start]`. Its counts determine its end, so that a mail's signature (`-- `) is not a
 * removed line.
 */
export function readHunk(lines: readonly string[], start: number, path: string): HunkResult {
  const header = withoutNewline(lines[start] ?? '');
  const match = HEADER.exec(header);
  const fault = (at: number, message: string, advice?: string): HunkResult => ({
    fault: { rule: 'patch-damaged', message, at, path, hunk: header, ...(advice === undefined ? {} : { advice }) },
    next: Math.max(at, start + 1),
  });
  if (match === null) return fault(start, `${shown(header)} is not a hunk header`);
  const [oldStart = 0, oldLines = 1, newStart = 0, newLines = 1] = match
    .slice(1)
    .map((digits) => (digits === undefined ? undefined : Number(digits)));
  const body: HunkLine[] = [];
  let [olds, news, at] = [oldLines, newLines, start + 1];
  for (; olds > 0 || news > 0; at++) {
    const line = lines[at];
    if (line === undefined) return fault(at - 1, `The patch ends ${olds + news} lines before the end of its hunk`);
    if (line.startsWith('\\')) {
      if (!dropNewline(body)) return fault(at, `${shown(line)} comes before any line`);
      continue;
    }
    // Mailers and editors strip the blank of an empty context line; git apply and patch accept that.
    const kind = line === '\n' ? ' ' : line[0];
    if (kind !== ' ' && kind !== '+' && kind !== '-') {
      return fault(at, `A line of the hunk does not start with a blank, + or -: ${shown(line)}`, WRAPPED_HINT);
    }
    if (kind !== '+' && olds-- === 0)
      return fault(at, `The hunk has more old lines than its header says: ${shown(line)}`);
    if (kind !== '-' && news-- === 0)
      return fault(at, `The hunk has more new lines than its header says: ${shown(line)}`);
    body.push({ kind, text: line === '\n' ? line : line.slice(1) });
  }
  if (lines[at]?.startsWith('\\ ') === true) {
    dropNewline(body);
    at++;
  }
  const after = lines[at] ?? '';
  if (/^[+ -]/.test(after) && !/^(?:-- ?\r?\n?$|--- |\+\+\+ )/.test(after) && after.trim() !== '') {
    return fault(
      at,
      `The hunk has more lines than its header says: ${shown(after)}`,
      'Check whether the patch was edited by hand',
    );
  }
  return { hunk: { header, line: start + 1, oldStart, oldLines, newStart, newLines, lines: body }, next: at };
}

/** Handles `\ No newline at end of file`, which refers to the line before it. */
function dropNewline(body: HunkLine[]): boolean {
  const last = body.pop();
  if (last === undefined) return false;
  body.push({ kind: last.kind, text: withoutNewline(last.text) });
  return true;
}

import { checked, gitNames, namedFile, plainName, type StrippedPath, stripped } from './diff-path.ts';
import { type Fault, isHunkHeader, readHunk } from './read-hunk.ts';
import { shown, withoutNewline } from './text.ts';
import type { FilePatch, Hunk } from './types.ts';

/** File changes in a text, their problems, and where the first diff begins. */
export interface DiffText {
  readonly files: readonly FilePatch[];
  readonly faults: readonly Fault[];
  /** Index of the first line of the first diff; the number of lines if there is none. */
  readonly firstLine: number;
}

/** The lines before a file's first hunk. */
interface Section {
  readonly start: number;
  readonly git: boolean;
  old?: StrippedPath;
  new?: StrippedPath;
  oldAbsent: boolean;
  newAbsent: boolean;
  kind: FilePatch['kind'];
  oldMode?: string;
  mode?: string;
  binary: boolean;
}

/** Lines of git between `diff --git` and `---`, and their effect. */
const EXTENDED: readonly (readonly [RegExp, (section: Section, value: string) => void])[] = [
  [/^old mode (\d{6})$/, (section, value) => Object.assign(section, { oldMode: value })],
  [/^new mode (\d{6})$/, (section, value) => Object.assign(section, { mode: value })],
  [/^new file mode (\d{6})$/, (section, value) => Object.assign(section, { kind: 'new', mode: value })],
  [/^deleted file mode (\d{6})$/, (section, value) => Object.assign(section, { kind: 'delete', oldMode: value })],
  [
    /^rename from (.+)$/,
    (section, value) => Object.assign(section, { kind: 'rename', old: checked(plainName(value)) }),
  ],
  [/^rename to (.+)$/, (section, value) => Object.assign(section, { kind: 'rename', new: checked(plainName(value)) })],
  [/^copy from (.+)$/, (section, value) => Object.assign(section, { kind: 'copy', old: checked(plainName(value)) })],
  [/^copy to (.+)$/, (section, value) => Object.assign(section, { kind: 'copy', new: checked(plainName(value)) })],
  [/^(?:dis)?similarity index \d+%$/, () => undefined],
  [/^index [0-9a-f]{4,64}\.\.[0-9a-f]{4,64}(?: (\d{6}))?$/, () => undefined],
  [/^Binary files .* differ$/, (section) => Object.assign(section, { binary: true })],
  [/^GIT binary patch$/, (section) => Object.assign(section, { binary: true })],
];

const COMBINED_HINT = 'make a plain diff with git show --first-parent -m, or git diff with two commits';

/**
 * Reads all unified diffs in a text, and skips everything between them: messages, statistics, signatures. Each line has its `\n`.
 * `base` is the number of lines before them in their file.
 */
export function readDiff(lines: readonly string[], base = 0): DiffText {
  const files: FilePatch[] = [];
  const faults: Fault[] = [];
  let firstLine = lines.length;
  const begins = (at: number): void => {
    firstLine = Math.min(firstLine, at);
  };
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? '';
    if (/^diff --(?:cc|combined) /.test(line)) {
      begins(at);
      faults.push({
        rule: 'combined-diff',
        message: 'Cannot apply the combined diff of a merge',
        advice: COMBINED_HINT,
        at,
      });
      at++;
    } else if (line.startsWith('Binary files ') && line.includes(' and ') && line.endsWith(' differ\n')) {
      begins(at);
      faults.push({ rule: 'patch-binary', message: `Cannot apply a change of a binary file: ${shown(line)}`, at });
      at++;
    } else if (startsSection(lines, at)) {
      begins(at);
      at = readSection(lines, at, base, files, faults);
    } else if (isHunkHeader(line)) {
      begins(at);
      faults.push({
        rule: 'patch-damaged',
        message: 'A hunk names no file: no --- and +++ lines before it',
        at,
      });
      at++;
    } else at++;
  }
  return { files, faults, firstLine };
}

/** Does a file's diff begin here? Prose may contain lines like one of these, but not several. */
function startsSection(lines: readonly string[], at: number): boolean {
  const line = lines[at] ?? '';
  const next = withoutNewline(lines[at + 1] ?? '');
  if (line.startsWith('diff --git ')) {
    return next.startsWith('--- ') || EXTENDED.some(([pattern]) => pattern.test(next));
  }
  return line.startsWith('--- ') && next.startsWith('+++ ') && isHunkHeader(lines[at + 2] ?? '');
}

function readSection(
  lines: readonly string[],
  start: number,
  base: number,
  files: FilePatch[],
  faults: Fault[],
): number {
  const git = (lines[start] ?? '').startsWith('diff --git ');
  const section: Section = { start, git, oldAbsent: false, newAbsent: false, kind: 'change', binary: false };
  let at = start;
  if (git) {
    const names = gitNames(withoutNewline(lines[at] ?? '').slice('diff --git '.length));
    if (names !== undefined) Object.assign(section, { old: stripped(names[0]), new: stripped(names[1]) });
    at = readExtended(lines, at + 1, section);
  }
  if (lines[at]?.startsWith('--- ') === true && lines[at + 1]?.startsWith('+++ ') === true) {
    const [from, to] = [lines[at] ?? '', lines[at + 1] ?? ''].map((line) => namedFile(withoutNewline(line).slice(4)));
    if (from !== undefined && from.name !== '/dev/null') section.old = stripped(from.name);
    if (to !== undefined && to.name !== '/dev/null') section.new = stripped(to.name);
    section.oldAbsent = from?.absent === true;
    section.newAbsent = to?.absent === true;
    at += 2;
  }
  const path = shownPath(section);
  const hunks: Hunk[] = [];
  const before = faults.length;
  while (isHunkHeader(lines[at] ?? '')) {
    const result = readHunk(lines, at, path);
    at = result.next;
    if ('hunk' in result) hunks.push({ ...result.hunk, line: result.hunk.line + base });
    else {
      faults.push(result.fault);
      at = nextSection(lines, at);
    }
  }
  const file = faults.length === before ? fileOf(section, hunks, path) : undefined;
  if (file !== undefined && 'at' in file) faults.push(file);
  else if (file !== undefined) files.push({ ...file, line: file.line + base });
  return Math.max(at, start + 1);
}

function readExtended(lines: readonly string[], start: number, section: Section): number {
  let at = start;
  for (; at < lines.length; at++) {
    const line = withoutNewline(lines[at] ?? '');
    const row = EXTENDED.find(([pattern]) => pattern.test(line));
    if (row === undefined) break;
    row[1](section, row[0].exec(line)?.[1] ?? '');
  }
  return at;
}

/** After a fault, skips the rest of the file's diff: further faults would follow from the first. */
function nextSection(lines: readonly string[], start: number): number {
  let at = start;
  while (at < lines.length && !startsSection(lines, at)) at++;
  return at;
}

function shownPath(section: Section): string {
  for (const side of [section.new, section.old]) if (side !== undefined && 'path' in side) return side.path;
  return '(no name)';
}

/** Symbolic links and submodules: a compiler reads neither. */
const SPECIAL = /^1[26]0000$/;

function fileOf(section: Section, hunks: readonly Hunk[], path: string): FilePatch | Fault {
  const fault = (rule: Fault['rule'], message: string): Fault => ({ rule, message, at: section.start, path });
  for (const side of [section.old, section.new]) {
    if (side !== undefined && 'wrong' in side) return fault('patch-path', `The path of a changed file ${side.wrong}`);
  }
  if (section.binary) return fault('patch-binary', `Cannot apply a change of a binary file: ${path}`);
  if (SPECIAL.test(section.mode ?? '') || SPECIAL.test(section.oldMode ?? '')) {
    return fault(
      'patch-special-file',
      `${path} is a symbolic link or a submodule in this patch: a live patch can change regular files only`,
    );
  }
  const only = hunks.length === 1 ? hunks[0] : undefined;
  let kind = section.kind;
  // diff -N and patch, without git's lines, mark new and deleted files by the time and an empty side.
  if (kind === 'change' && section.oldAbsent && only?.oldLines === 0) kind = 'new';
  if (kind === 'change' && section.newAbsent && only?.newLines === 0) kind = 'delete';
  const from = kind === 'new' ? null : pathOf(section.old);
  const to = kind === 'delete' ? null : pathOf(section.new);
  if (from === undefined || to === undefined)
    return fault('patch-damaged', 'A diff does not name its file on both sides');
  if (from === null && to === null) return fault('patch-damaged', 'A diff names /dev/null on both sides');
  const mode = section.mode === undefined ? {} : { mode: section.mode };
  return { from, to, kind, ...mode, line: section.start + 1, hunks };
}

const pathOf = (side: StrippedPath | undefined): string | undefined =>
  side !== undefined && 'path' in side ? side.path : undefined;

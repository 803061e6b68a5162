import { readable } from './text.ts';

const PATH_MAX = 4096;

/** C escapes in quoted names of git and GNU diff. */
const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
};

/** Parses a double-quoted name at the start of `text`: the name, and its length there. */
function quotedName(text: string): { name: string; length: number } | undefined {
  const match = /^"((?:[^"\\]|\\[0-3][0-7]{2}|\\[abfnrtv\\"])*)"/.exec(text);
  if (match === null) return undefined;
  const name = (match[1] ?? '').replace(/\\([0-3][0-7]{2}|.)/g, (_whole, letters: string) =>
    letters.length === 3 ? String.fromCharCode(Number.parseInt(letters, 8)) : (ESCAPES[letters] ?? letters),
  );
  return { name, length: match[0].length };
}

/** Contents of `--- ` or `+++ `: a name, then perhaps a tab and a time. */
export interface NamedFile {
  readonly name: string;
  /** Is the time the start of 1970, which `diff -N` writes for a missing file? */
  readonly absent: boolean;
}

/** Parses the name and time of a `---` or `+++` line, after the blank. */
export function namedFile(rest: string): NamedFile {
  const quoted = quotedName(rest);
  const tab = rest.indexOf('\t');
  const name = quoted?.name ?? withoutTrailingBlanks(tab < 0 ? rest : rest.slice(0, tab));
  const time = quoted !== undefined ? rest.slice(quoted.length) : tab < 0 ? '' : rest.slice(tab);
  // Local time: west of Greenwich it is still 1969.
  const absent = name === '/dev/null' || /^\s*(?:1970-01-01|1969-12-31) [\d:.]+/.test(time);
  return { name, absent };
}

/** One pass: a regular expression would rescan each run of blanks. */
function withoutTrailingBlanks(name: string): string {
  let end = name.length;
  while (name[end - 1] === ' ') end--;
  return name.slice(0, end);
}

/** Parses a name after `rename from ` and the like. */
export const plainName = (rest: string): string => quotedName(rest)?.name ?? rest;

/** Parses the two names after `diff --git`; `undefined` if the split is ambiguous. */
export function gitNames(rest: string): readonly [string, string] | undefined {
  const first = quotedName(rest);
  if (first !== undefined) return [first.name, plainName(rest.slice(first.length + 1))];
  if (rest.endsWith('"')) {
    const blank = rest.indexOf(' "');
    if (blank > 0) return [rest.slice(0, blank), plainName(rest.slice(blank + 1))];
  }
  if (rest.length > 2 * PATH_MAX) return undefined;
  // Renames have lines of their own. Otherwise the names are equal except for the first folder.
  for (let blank = rest.indexOf(' '); blank >= 0; blank = rest.indexOf(' ', blank + 1)) {
    const [from, to] = [rest.slice(0, blank), rest.slice(blank + 1)];
    if (afterFolder(from) !== undefined && afterFolder(from) === afterFolder(to)) return [from, to];
  }
  return undefined;
}

function afterFolder(name: string): string | undefined {
  const slash = name.indexOf('/');
  return slash < 0 ? undefined : name.slice(slash + 1);
}

/** A path without its first folder, or why a patch may not name it. */
export type StrippedPath = { readonly path: string } | { readonly wrong: string };

/** Drops the first folder of a path, like `-p1`, and refuses paths that leave the tree. */
export function stripped(name: string): StrippedPath {
  if (name.startsWith('/') || /^[A-Za-z]:/.test(name)) return { wrong: 'is absolute' };
  const rest = afterFolder(name);
  if (rest === undefined) return { wrong: 'has no first folder to drop (patches are taken as by patch -p1)' };
  return checked(rest.replace(/^\/+/, ''));
}

/** Checks a path from the top of the tree, in a line without a first folder (`rename from`). */
export function checked(path: string): StrippedPath {
  const control = [...path].some((character) => character < ' ' || character === '\x7f');
  if (control || path.includes('\\')) return { wrong: 'has a control character or a backslash in it' };
  if (path.length > PATH_MAX) return { wrong: 'is too long' };
  const folders = path.split('/');
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return { wrong: 'is absolute' };
  if (folders.includes('..')) return { wrong: 'leaves the tree' };
  if (folders.some((folder) => folder === '' || folder === '.')) return { wrong: 'has an empty folder in it' };
  if (folders.some((folder) => folder.toLowerCase() === '.git')) return { wrong: 'is in the repository’s own folder' };
  return { path: readable(path) };
}

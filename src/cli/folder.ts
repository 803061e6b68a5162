import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { XspliceError } from '../base/index.ts';
import { fileError } from './files.ts';

/** Bounds of a folder that is looked through. */
const MOST = { depth: 16, entries: 100_000 } as const;

/** Is there a folder at `path`? What cannot be looked at is none: whoever reads it says why. */
export function isFolder(path: string, cwd: string): boolean {
  if (path === '' || path.includes('\0')) return false;
  try {
    return statSync(resolve(cwd, path)).isDirectory();
  } catch {
    return false;
  }
}

/** The error for a folder that is larger than what is looked through. */
export const tooMany = (path: string, limit: number, what: string): XspliceError =>
  new XspliceError('EUSAGE', `${path}: more than ${limit} ${what}`, 'name a smaller folder');

/** Names that are left alone where nothing else is said. */
const ASIDE = /^[._]/;

/**
 * The files in a folder and below it whose base name is wanted, sorted by code units, the same everywhere. Links are not followed, and what
 * begins with `.` or `_` is left alone. Throws an XspliceError: EFILE for a folder that cannot be read, EUSAGE for one that is too large.
 *
 * @param aside names of files and folders that are left alone in place of those.
 */
export const filesIn = (
  folder: string,
  cwd: string,
  wanted: (name: string) => boolean,
  aside: RegExp = ASIDE,
): string[] => [...new Walk(folder, cwd, wanted, aside).files()];

class Walk {
  readonly #top: string;
  readonly #cwd: string;
  readonly #wanted: (name: string) => boolean;
  readonly #aside: RegExp;
  #entries = 0;

  constructor(top: string, cwd: string, wanted: (name: string) => boolean, aside: RegExp) {
    this.#top = top;
    this.#cwd = cwd;
    this.#wanted = wanted;
    this.#aside = aside;
  }

  files(): Generator<string> {
    return this.#in(this.#top, 0);
  }

  *#in(folder: string, depth: number): Generator<string> {
    if (depth > MOST.depth) throw tooMany(this.#top, MOST.depth, 'folders inside of one another');
    let entries: Dirent[];
    try {
      entries = readdirSync(resolve(this.#cwd, folder), { withFileTypes: true });
    } catch (error) {
      throw fileError(folder, error);
    }
    this.#entries += entries.length;
    if (this.#entries > MOST.entries) throw tooMany(this.#top, MOST.entries, 'files');
    // By code units: the same order everywhere.
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (this.#aside.test(entry.name)) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) yield* this.#in(path, depth + 1);
      else if (entry.isFile() && this.#wanted(entry.name)) yield path;
    }
  }
}

import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { XspliceError } from '../base/index.ts';
import { fileError } from './files.ts';

/** Limits of a folder walk. */
const MOST = { depth: 16, entries: 100_000 } as const;

/** Returns true if `path` is a folder. False if it cannot be stat'ed; the later read reports why. */
export function isFolder(path: string, cwd: string): boolean {
  if (path === '' || path.includes('\0')) return false;
  try {
    return statSync(resolve(cwd, path)).isDirectory();
  } catch {
    return false;
  }
}

/** Returns the error for a folder above a limit. */
export const tooMany = (path: string, limit: number, what: string): XspliceError =>
  new XspliceError('EUSAGE', `${path}: more than ${limit} ${what}`, 'choose a smaller folder');

/** Names that a walk skips by default. */
const SKIPPED = /^[._]/;

/**
 * Returns the files in and below a folder whose base name is wanted, sorted by code units. Does not follow links; skips names that start with
 * `.` or `_`. Throws an XspliceError: EFILE for a folder that cannot be read, EUSAGE for one that is too large.
 *
 * @param skipped names of files and folders to skip instead.
 */
export const filesIn = (
  folder: string,
  cwd: string,
  wanted: (name: string) => boolean,
  skipped: RegExp = SKIPPED,
): string[] => [...new Walk(folder, cwd, wanted, skipped).files()];

class Walk {
  readonly #top: string;
  readonly #cwd: string;
  readonly #wanted: (name: string) => boolean;
  readonly #skipped: RegExp;
  #entries = 0;

  constructor(top: string, cwd: string, wanted: (name: string) => boolean, skipped: RegExp) {
    this.#top = top;
    this.#cwd = cwd;
    this.#wanted = wanted;
    this.#skipped = skipped;
  }

  files(): Generator<string> {
    return this.#in(this.#top, 0);
  }

  *#in(folder: string, depth: number): Generator<string> {
    if (depth > MOST.depth) throw tooMany(this.#top, MOST.depth, 'levels of nested folders');
    let entries: Dirent[];
    try {
      entries = readdirSync(resolve(this.#cwd, folder), { withFileTypes: true });
    } catch (error) {
      throw fileError(folder, error);
    }
    this.#entries += entries.length;
    if (this.#entries > MOST.entries) throw tooMany(this.#top, MOST.entries, 'files');
    // By code units: independent of the locale.
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (this.#skipped.test(entry.name)) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) yield* this.#in(path, depth + 1);
      else if (entry.isFile() && this.#wanted(entry.name)) yield path;
    }
  }
}

import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { XspliceError } from '../base/index.ts';
import { fileError } from './files.ts';

/** Bounds of a folder of scenarios. */
const MOST = { depth: 16, entries: 100_000, scenarios: 10_000 } as const;

const SUFFIX = /\.ya?ml$/i;

/** Is this argument a scenario file, or a folder of them? Everything else is a payload. */
export function isScenarioArgument(path: string, cwd: string): boolean {
  return SUFFIX.test(path) || isFolder(path, cwd);
}

/** What cannot be looked at is no folder: whoever reads it says why. */
function isFolder(path: string, cwd: string): boolean {
  if (path === '') return false;
  try {
    return statSync(resolve(cwd, path)).isDirectory();
  } catch {
    return false;
  }
}

/**
 * Are the arguments scenarios? Throws an XspliceError (EUSAGE) where some are and some are not. `other` is what the others are.
 */
export function areScenarios(paths: readonly string[], cwd: string, other: string): boolean {
  const scenarios = paths.filter((path) => isScenarioArgument(path, cwd));
  if (scenarios.length === 0) return false;
  if (scenarios.length === paths.length) return true;
  const odd = paths.find((path) => !scenarios.includes(path));
  throw new XspliceError(
    'EUSAGE',
    `${odd} is no scenario and ${scenarios[0]} is one`,
    `give scenarios or ${other}, not both`,
  );
}

/**
 * The scenario files that are meant: files as they are, of a folder those in it and below it, sorted. In a folder, links are not followed, and
 * what begins with `.` or `_` is left alone: parts that others include. Throws an XspliceError: EFILE for a folder that cannot be read, EUSAGE
 * for one without scenarios, or with too many.
 */
export function findScenarios(paths: readonly string[], cwd: string): string[] {
  const found: string[] = [];
  for (const path of paths) {
    if (!isFolder(path, cwd)) {
      found.push(path);
      continue;
    }
    const inside = [...new Walk(path, cwd).files()];
    if (inside.length === 0) {
      throw new XspliceError(
        'EUSAGE',
        `${path}: is a directory without scenarios`,
        'scenarios are files that end in .yaml or .yml',
      );
    }
    found.push(...inside);
  }
  if (found.length > MOST.scenarios) throw tooMany(paths.join(' '), MOST.scenarios, 'scenarios');
  return [...new Set(found)];
}

const tooMany = (path: string, limit: number, what: string): XspliceError =>
  new XspliceError('EUSAGE', `${path}: more than ${limit} ${what}`, 'name a smaller folder');

class Walk {
  readonly #top: string;
  readonly #cwd: string;
  #entries = 0;

  constructor(top: string, cwd: string) {
    this.#top = top;
    this.#cwd = cwd;
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
      if (/^[._]/.test(entry.name)) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) yield* this.#in(path, depth + 1);
      else if (entry.isFile() && SUFFIX.test(entry.name)) yield path;
    }
  }
}

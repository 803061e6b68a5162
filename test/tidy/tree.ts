import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOMS } from './rooms.ts';

/** The top of the checkout. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The rooms that there are, top down. */
export const ROOMS_HERE = ROOMS.filter((room) => existsSync(join(ROOT, 'src', room)));

/** What git does not keep, and git's own. */
const NOT_OURS = new Set(['node_modules', 'dist', 'coverage', '.git']);

/** Every file of the project, relative to its top, with `/`. */
export const FILES: readonly string[] = list('');

function list(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter((entry) => !NOT_OURS.has(entry.name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      return entry.isDirectory() ? list(path) : [path];
    });
}

/** The text of a file; `undefined` for a binary one. */
export function textOf(path: string): string | undefined {
  const bytes = readFileSync(join(ROOT, path));
  return bytes.includes(0) ? undefined : bytes.toString('utf8');
}

/** The lines of a text file that match, as `file:line: text`. */
export function linesMatching(path: string, pattern: RegExp): string[] {
  const lines = textOf(path)?.split('\n') ?? [];
  return lines.flatMap((line, index) =>
    pattern.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 200)}`] : [],
  );
}

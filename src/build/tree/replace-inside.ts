import { lstatSync, mkdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, normalize, sep } from 'node:path';
import { XspliceError } from '../../base/index.ts';

/** A file to have in a copy of the tree instead of what the tree has; `null` for none. */
export interface Replacement {
  /** From the top of the tree. */
  readonly path: string;
  /** A string of bytes. */
  readonly text: string | null;
}

/** Puts a file below a folder, or takes one out; never through a link. Throws EUSAGE where its path leads out of the folder. */
export function replaceInside(root: string, { path, text }: Replacement): void {
  const target = join(root, path);
  // Asked before anything is made: a link in the tree may lead out of it, too.
  if (isAbsolute(path) || normalize(path).startsWith('..') || !contains(root, dirname(target))) {
    throw new XspliceError('EUSAGE', `${path} leads out of the tree`, 'Such a patch is not applied.');
  }
  if (text !== null) mkdirSync(dirname(target), { recursive: true });
  rmSync(target, { force: true });
  if (text !== null) writeFileSync(target, text, { encoding: 'latin1', flag: 'wx' });
}

/** Is the first folder above that exists within the root, links followed? */
function contains(root: string, folder: string): boolean {
  if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) return contains(root, dirname(folder));
  const top = realpathSync(root);
  const real = realpathSync(folder);
  return real === top || real.startsWith(`${top}${sep}`);
}

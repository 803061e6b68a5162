import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SourceTree } from './source-tree.ts';

/** Files at the top, besides `xen/`, that a build reads. */
const TOP = ['Config.mk', 'config', 'Makefile', '.config'] as const;

/** Build outputs, which a new build makes again. */
const MADE = /\.(?:o|a|cmd|d|d2|tmp)$|^xen(?:-syms)?(?:\.(?:efi|gz|map|efi\.map))?$|^\.xen.*$/;

/** Is a file of this name a build output? */
export const isMade = (name: string): boolean => MADE.test(name);

/** Folders that a configuration generates. */
const MADE_FOLDERS = new Set(['include/generated', 'include/config', 'include/compat']);

/**
 * Copies the sources of a tree, with their times, to build there. Leaves out build outputs, but includes the configuration's headers
 * if `configured`. Returns the copy's `xen/`.
 */
export function copyTree(tree: SourceTree, folder: string, configured = false): string {
  const source = join(folder, 'xen');
  mkdirSync(folder, { recursive: true });
  for (const name of TOP) {
    if (existsSync(join(tree.top, name))) cpSync(join(tree.top, name), join(folder, name), COPY);
  }
  copyFolder(tree.source, source, '', configured);
  return source;
}

const COPY = { recursive: true, preserveTimestamps: true, verbatimSymlinks: true } as const;

function copyFolder(from: string, to: string, below: string, configured: boolean): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) {
      const left = MADE_FOLDERS.has(path) && !configured;
      if (!left && entry.name !== '.git') copyFolder(join(from, entry.name), join(to, entry.name), path, configured);
    } else if ((MADE_FOLDERS.has(below) || !isMade(entry.name)) && path !== 'source') {
      cpSync(join(from, entry.name), join(to, entry.name), COPY);
    }
  }
}

import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SourceTree } from './source-tree.ts';

/** What else than `xen/` a build of the hypervisor reads from the top. */
const TOP = ['Config.mk', 'config', 'Makefile', '.config'] as const;

/** What a build has made, and a new one makes again. */
const MADE = /\.(?:o|a|cmd|d|d2|tmp)$|^xen(?:-syms)?(?:\.(?:efi|gz|map|efi\.map))?$|^\.xen.*$/;

/** Has a build made a file of this name, so that a new one makes it again? */
export const isMade = (name: string): boolean => MADE.test(name);

/** Folders that a configuration was made into: the next one makes them again. */
const MADE_FOLDERS = new Set(['include/generated', 'include/config', 'include/compat']);

/**
 * Copies the sources of a tree, times included, to build there; what a build has left stays behind, but for the headers of
 * its configuration where `configured` says so. Returns the copy's `xen/`.
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

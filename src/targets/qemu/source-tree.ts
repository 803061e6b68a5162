import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Files of the tree that all objects depend on. */
export const TREE_PARTS: readonly string[] = ['xen/.config', 'xen/include/generated/autoconf.h'];

/**
 * Files outside `xen/` that its `make` reads, and the license. Source: xen/Makefile and xen/Rules.mk include Config.mk, which
 * includes config/.
 */
const BESIDE = ['Config.mk', 'config', 'COPYING'];

/** Final and intermediate link outputs: made from the objects, and as large as all of them. */
const LINKED = /^(xen|xen-syms|xen\.gz|xen\.efi|xen(-syms|\.efi)\.map|prelink\.o)$/;
const LINKED_PER_FOLDER = /^built_in(_bin)?\.o$/;

/** Removes files with such names in a folder, recursively. Does not follow symbolic links: `xen/source` points to `xen`. */
function removeBelow(folder: string, names: RegExp): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) removeBelow(path, names);
    else if (names.test(entry.name)) rmSync(path);
  }
}

/**
 * Makes the folder `kept` from a built tree: everything a live patch build needs. Sources, generated headers, `.config`, objects and
 * their commands (`.*.cmd`) keep their times, so `make` rebuilds an object only if its source changed. No command contains the
 * tree's path. 25 to 40 MB.
 */
export function keepTree(tree: string, kept: string): void {
  mkdirSync(kept);
  const xen = join(tree, 'xen');
  for (const name of readdirSync(xen)) if (LINKED.test(name)) rmSync(join(xen, name));
  removeBelow(xen, LINKED_PER_FOLDER);
  for (const name of [...BESIDE, 'xen']) renameSync(join(tree, name), join(kept, name));
}

import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** In the tree: what all of its objects depend on. */
export const TREE_PARTS: readonly string[] = ['xen/.config', 'xen/include/generated/autoconf.h'];

/**
 * What `make` in `xen/` reads outside of it, and the license. Source: xen/Makefile and xen/Rules.mk include Config.mk, which
 * includes the files of config/.
 */
const BESIDE = ['Config.mk', 'config', 'COPYING'];

/** What the hypervisor was linked to, and linked from on the way: made of the objects, and as large as all of them. */
const LINKED = /^(xen|xen-syms|xen\.gz|xen\.efi|xen(-syms|\.efi)\.map|prelink\.o)$/;
const LINKED_PER_FOLDER = /^built_in(_bin)?\.o$/;

/** Takes away what has such a name, in a folder and below. Symbolic links are not followed: `xen/source` leads to `xen`. */
function removeBelow(folder: string, names: RegExp): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) removeBelow(path, names);
    else if (names.test(entry.name)) rmSync(path);
  }
}

/**
 * Makes the folder `kept` of a tree in which Xen has been built: what a live patch is built from. Sources, generated headers,
 * `.config`, objects and the command that made each (`.*.cmd`) stay as they are, with their times, so that `make` there makes
 * an object again only after its source has changed. No command names the tree's place. 25 to 40 MB.
 */
export function keepTree(tree: string, kept: string): void {
  mkdirSync(kept);
  const xen = join(tree, 'xen');
  for (const name of readdirSync(xen)) if (LINKED.test(name)) rmSync(join(xen, name));
  removeBelow(xen, LINKED_PER_FOLDER);
  for (const name of [...BESIDE, 'xen']) renameSync(join(tree, name), join(kept, name));
}

import { realpathSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import type { SourceTree } from './source-tree.ts';

/** Resolves the file names in commands. Follows links; each name once. */
export class Dependencies {
  readonly #tree: SourceTree;
  readonly #foreign: readonly string[];
  readonly #known = new Map<string, string>();

  constructor(tree: SourceTree, foreign: readonly string[]) {
    this.#tree = tree;
    this.#foreign = foreign;
  }

  /** Returns a path from the top of the tree, as in patches: `xen/include/xen/lib.h`. A file elsewhere gives an absolute path. */
  path(name: string, folder: string): string {
    const key = name.startsWith('/') ? name : `${folder}\0${name}`;
    let path = this.#known.get(key);
    if (path === undefined) {
      path = this.#find(name, folder);
      this.#known.set(key, path);
    }
    return path;
  }

  #find(name: string, folder: string): string {
    const { top, source, objects } = this.#tree;
    const foreign = this.#foreign.find((start) => name.startsWith(`${start}/`));
    const own = foreign === undefined ? name : source + name.slice(foreign.length);
    // Not `join`: it would drop `link/..`.
    let absolute = own.startsWith('/') ? own : `${join(objects, folder)}/${own}`;
    try {
      absolute = realpathSync.native(absolute);
    } catch {
      // An out-of-tree build finds sources through VPATH.
      absolute = resolve(absolute);
    }
    return absolute.startsWith(`${top}${sep}`) ? absolute.slice(top.length + 1) : absolute;
  }
}

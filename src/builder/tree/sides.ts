import { readFileSync, realpathSync } from 'node:fs';
import { basename, join, resolve, sep } from 'node:path';
import { sha256 } from '../../system/index.ts';
import type { TreeChange } from './change.ts';
import type { ObjectCommand } from './object-command.ts';
import type { SourceTree } from './source-tree.ts';
import { type CompilerPlace, folderOf, type Replacement, treeItself, WorkingCopy } from './working-copy.ts';

/** Before the change, or after it. */
export type Side = 'before' | 'after';

/** The two places to compile in, made on demand, and the contents of their files. */
export class Sides {
  readonly #tree: SourceTree;
  readonly #folder: string;
  readonly #foreign: readonly string[];
  readonly #changes = new Map<string, TreeChange>();
  readonly #places = new Map<Side, CompilerPlace>();
  readonly #contents = new Map<string, string | null>();
  readonly #paths = new Map<string, string>();

  /** `folder` is private, and the caller removes it. */
  constructor(tree: SourceTree, folder: string, foreign: readonly string[], changes: readonly TreeChange[]) {
    this.#tree = tree;
    this.#folder = folder;
    this.#foreign = foreign;
    for (const change of changes) this.#changes.set(change.path, change);
  }

  /** Adds a change that follows from the others. */
  add(change: TreeChange): void {
    this.#changes.set(change.path, change);
    for (const [side, place] of this.#places) {
      if (place instanceof WorkingCopy) place.replace(replacement(change, side));
      else if (!this.#isInTree(change, side)) this.#places.delete(side);
    }
    this.#contents.clear();
    this.#paths.clear();
  }

  /** Returns the place to compile one side: the tree itself if it has exactly these files, else a copy. */
  place(side: Side): CompilerPlace {
    let place = this.#places.get(side);
    if (place === undefined) {
      const changes = [...this.#changes.values()];
      if (changes.every((change) => this.#isInTree(change, side))) place = treeItself(this.#tree, this.#foreign);
      else {
        const copy = new WorkingCopy(this.#tree, join(this.#folder, side), this.#foreign);
        for (const change of changes) copy.replace(replacement(change, side));
        place = copy;
      }
      this.#places.set(side, place);
    }
    return place;
  }

  /** Returns the base names of the changed files. */
  changedNames(): ReadonlySet<string> {
    return new Set([...this.#changes.keys()].map((path) => basename(path)));
  }

  #isInTree(change: TreeChange, side: Side): boolean {
    return hashOfText(change[side]) === hashOf(resolve(this.#tree.top, change.path));
  }

  /** Returns the path from the top of the tree for a file that a compiler read in a copy. */
  pathOf(side: Side, command: ObjectCommand, name: string): string {
    const folder = folderOf(this.place(side), command);
    const key = name.startsWith('/') ? name : `${folder}/${name}`;
    let path = this.#paths.get(key);
    if (path === undefined) {
      path = this.#find(side, key);
      this.#paths.set(key, path);
    }
    return path;
  }

  #find(side: Side, name: string): string {
    let real = resolve(name);
    try {
      real = realpathSync.native(name);
    } catch {
      // The file is gone; only its name is left.
    }
    for (const start of [realpathSync(this.place(side).root), this.#tree.top]) {
      if (real.startsWith(`${start}${sep}`)) return real.slice(start.length + 1);
    }
    return real;
  }

  /** Hashes a file's contents; `null` if it does not exist. The path is from the top of the tree. */
  contentOf(path: string, side: Side): string | null {
    const change = this.#changes.get(path);
    const key = change === undefined ? path : `${side} ${path}`;
    let content = this.#contents.get(key);
    if (content === undefined) {
      content = change === undefined ? hashOf(resolve(this.#tree.top, path)) : hashOfText(change[side]);
      this.#contents.set(key, content);
    }
    return content;
  }
}

const replacement = (change: TreeChange, side: Side): Replacement => ({ path: change.path, text: change[side] });

const hashOfText = (text: string | null): string | null => (text === null ? null : sha256(Buffer.from(text, 'latin1')));

function hashOf(file: string): string | null {
  try {
    return sha256(readFileSync(file));
  } catch {
    return null;
  }
}

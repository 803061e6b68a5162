import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, isAbsolute, join, normalize, relative, resolve, sep } from 'node:path';
import { XspliceError } from '../../base/index.ts';
import { archFolder } from './arch-folder.ts';
import type { ObjectCommand } from './object-command.ts';
import type { SourceTree } from './source-tree.ts';

/** A file to have in a working copy instead of what the tree has; `null` for none. */
export interface Replacement {
  /** From the top of the tree. */
  readonly path: string;
  /** A string of bytes. */
  readonly text: string | null;
}

/** A tree that compilers run in. */
export interface CompilerPlace {
  readonly root: string;
  /** Where the compiler runs: {@link SourceTree.objects}, or the copy of it. */
  readonly objects: string;
  /** A word of a command with the paths of the tree turned into those of this place. */
  mapped(word: string): string;
}

/** The folder that a command runs in. */
export const folderOf = (place: CompilerPlace, { folder }: Pick<ObjectCommand, 'folder'>): string =>
  join(place.objects, folder);

/** The tree as it is, to be read only: what compilers write goes elsewhere. */
export function treeItself(tree: SourceTree, foreign: readonly string[]): CompilerPlace {
  const moved = foreign.map((folder) => [folder, tree.source] as const);
  return { root: tree.top, objects: tree.objects, mapped: (word) => movedWord(word, moved) };
}

/** Folders and what they are elsewhere, the longest first: one may contain another. */
type Moved = readonly (readonly [string, string])[];

function movedWord(word: string, moved: Moved): string {
  for (const [from, to] of moved) {
    if (word.endsWith(from)) return word.slice(0, -from.length) + to;
    if (word.includes(`${from}/`)) return word.replaceAll(`${from}/`, `${to}/`);
  }
  return word;
}

/** Folders of `xen/` that no object of the hypervisor is compiled from. */
const ELSEWHERE = new Set(['tools', 'test', 'scripts', '.git']);

/** What the build leaves behind, or has, and no compiler reads. */
const PRODUCTS = /(?:\.(?:o|a|cmd|d|d2|tmp|mk|sh|py|chk|lst)|^xen(?:-syms)?(?:\.(?:efi|gz|map|efi\.map))?)$/;

/** Most files of a tree; Xen has three thousand. */
const MOST_FILES = 100_000;
const DEEPEST = 24;

/**
 * A copy of the tree in which files can differ: folders are real, files are links to the tree's own, so that `..` in an
 * `#include` stays in the copy. Nothing is ever written through a link. The folder is the caller's, and private.
 */
export class WorkingCopy implements CompilerPlace {
  readonly root: string;
  readonly objects: string;
  readonly #tree: SourceTree;
  readonly #moved: Moved;
  #files = 0;

  constructor(tree: SourceTree, root: string, foreign: readonly string[] = []) {
    this.root = root;
    this.#tree = tree;
    const source = join(root, 'xen');
    this.objects = tree.objects === tree.source ? source : this.#placeOfObjects();
    this.#moved = [
      [tree.objects, this.objects] as const,
      [tree.source, source] as const,
      [tree.top, root] as const,
      ...foreign.map((folder) => [folder, source] as const),
    ].sort(([a], [b]) => b.length - a.length);
    mkdirSync(source, { recursive: true });
    this.#link(tree.source, source, 0);
    if (this.objects !== source) {
      mkdirSync(this.objects, { recursive: true });
      this.#link(tree.objects, this.objects, 0);
    }
  }

  #placeOfObjects(): string {
    const below = relative(this.#tree.top, this.#tree.objects);
    // A relative path to the source has to stay the same.
    return below.startsWith('..') || isAbsolute(below) ? join(this.root, '.objects') : join(this.root, below);
  }

  #link(from: string, to: string, depth: number): void {
    for (const entry of readdirSync(from, { withFileTypes: true })) {
      const source = join(from, entry.name);
      const target = join(to, entry.name);
      if (entry.isDirectory()) {
        if (depth < DEEPEST && this.#enters(source, depth, entry.name)) {
          mkdirSync(target, { recursive: true });
          this.#link(source, target, depth + 1);
        }
      } else if (entry.isSymbolicLink()) this.#place(this.#linkText(source, target), target);
      else if (entry.isFile() && !PRODUCTS.test(entry.name)) this.#place(source, target);
    }
  }

  #enters(folder: string, depth: number, name: string): boolean {
    // Built in a folder of the source: that has a walk of its own.
    if (folder === this.#tree.objects) return false;
    if (depth === 0) return !ELSEWHERE.has(name);
    const arch = depth === 1 && dirname(folder).endsWith(`${sep}arch`);
    return !arch || name === archFolder(this.#tree.arch);
  }

  #place(text: string, target: string): void {
    if (++this.#files > MOST_FILES) {
      throw new XspliceError(
        'EUSAGE',
        `${this.#tree.top} is not a Xen source tree: it has more than ${MOST_FILES} files`,
      );
    }
    try {
      symlinkSync(text, target);
    } catch (error) {
      // The folder of the build may have a file that the source has, too: the first one stays.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }

  /** A link within the tree is one within the copy; one that leads out stays what it is. */
  #linkText(source: string, target: string): string {
    const text = readlinkSync(source);
    const aim = resolve(dirname(source), text);
    const inTree = aim === this.#tree.top || aim.startsWith(`${this.#tree.top}${sep}`);
    if (!inTree) return aim;
    return isAbsolute(text) ? relative(dirname(target), this.mapped(aim)) || '.' : text;
  }

  mapped(word: string): string {
    return movedWord(word, this.#moved);
  }

  /** Puts a file of its own into the copy, or takes one out. Throws EUSAGE where its path leads out of it. */
  replace(replacement: Replacement): void {
    writeChange(this.root, replacement);
  }
}

/** Writes a file below `root` in place of what is there, or removes it. Throws EUSAGE where its path leads out. */
export function writeChange(root: string, { path, text }: Replacement): void {
  const target = join(root, path);
  // Asked before anything is made: a link in the tree may lead out of it, too.
  if (isAbsolute(path) || normalize(path).startsWith('..') || !contains(root, dirname(target))) {
    throw new XspliceError(
      'EUSAGE',
      `${path} is outside of the source tree`,
      'A patch may only change files in the tree.',
    );
  }
  if (text !== null) mkdirSync(dirname(target), { recursive: true });
  rmSync(target, { force: true });
  if (text !== null) writeFileSync(target, text, { encoding: 'latin1', flag: 'wx' });
}

/** Is the first folder above that exists within the root, links followed? */
function contains(root: string, folder: string): boolean {
  if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) return contains(root, dirname(folder));
  const start = realpathSync(root);
  const real = realpathSync(folder);
  return real === start || real.startsWith(`${start}${sep}`);
}

/**
 * Absolute paths that commands have for the source and that are not the tree's own: the tree was moved after it was built.
 * Told by `-include …/include/xen/config.h`, which every command has.
 */
export function foreignFolders(tree: SourceTree, commands: Iterable<ObjectCommand>): readonly string[] {
  const folders = new Set<string>();
  for (const { args } of commands) {
    const header = args[args.indexOf('-include') + 1] ?? '';
    const folder = /^(\/.*)\/include\/xen\/config\.h$/.exec(header)?.[1];
    if (folder !== undefined && folder !== tree.source) folders.add(folder);
  }
  return [...folders];
}

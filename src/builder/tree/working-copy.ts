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

/** A file that replaces the tree's in a working copy; `null` removes it. */
export interface Replacement {
  /** From the top of the tree. */
  readonly path: string;
  /** A byte string. */
  readonly text: string | null;
}

/** A tree to run compilers in. */
export interface CompilerPlace {
  readonly root: string;
  /** Where the compiler runs: {@link SourceTree.objects}, or its copy. */
  readonly objects: string;
  /** Replaces the tree's paths in a word of a command by those of this place. */
  mapped(word: string): string;
}

/** Returns the working folder of a command. */
export const folderOf = (place: CompilerPlace, { folder }: Pick<ObjectCommand, 'folder'>): string =>
  join(place.objects, folder);

/** Returns the unchanged tree as a place, read-only: compilers write elsewhere. */
export function treeItself(tree: SourceTree, foreign: readonly string[]): CompilerPlace {
  const moved = foreign.map((folder) => [folder, tree.source] as const);
  return { root: tree.top, objects: tree.objects, mapped: (word) => movedWord(word, moved) };
}

/** Folders and their replacements, the longest first: one may contain another. */
type Moved = readonly (readonly [string, string])[];

function movedWord(word: string, moved: Moved): string {
  for (const [from, to] of moved) {
    if (word.endsWith(from)) return word.slice(0, -from.length) + to;
    if (word.includes(`${from}/`)) return word.replaceAll(`${from}/`, `${to}/`);
  }
  return word;
}

/** Folders of `xen/` without sources of the hypervisor. */
const ELSEWHERE = new Set(['tools', 'test', 'scripts', '.git']);

/** Build outputs and other files that no compiler reads. */
const PRODUCTS = /(?:\.(?:o|a|cmd|d|d2|tmp|mk|sh|py|chk|lst)|^xen(?:-syms)?(?:\.(?:efi|gz|map|efi\.map))?)$/;

/** Maximum files of a tree; Xen has three thousand. */
const MOST_FILES = 100_000;
const DEEPEST = 24;

/**
 * A copy of the tree with some files replaced. Folders are real and files are links to the tree's own, so that `..` in an `#include`
 * stays in the copy. Never writes through a link. The folder is private, and the caller's.
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
    // Keep relative paths to the source as they are.
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
    // A build folder inside the source is walked separately.
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
      // The build folder may have a file that the source has too; the first one wins.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }

  /** Rewrites a link inside the tree to the copy; one that leads out stays. */
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

  /** Replaces or removes a file of the copy. Throws EUSAGE if its path leaves the copy. */
  replace(replacement: Replacement): void {
    writeChange(this.root, replacement);
  }
}

/** Writes or removes a file below `root`. Throws EUSAGE if its path leads out. */
export function writeChange(root: string, { path, text }: Replacement): void {
  const target = join(root, path);
  // Check before creating anything: a link in the tree may lead out of it too.
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

/** Is the first existing parent inside the root, after following links? */
function contains(root: string, folder: string): boolean {
  if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) return contains(root, dirname(folder));
  const start = realpathSync(root);
  const real = realpathSync(folder);
  return real === start || real.startsWith(`${start}${sep}`);
}

/**
 * Returns absolute source paths in commands that are not the tree's own, because the tree was moved after the build. Found by
 * `-include …/include/xen/config.h`, which every command has.
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

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { XspliceError } from '../base/index.ts';
import { fileFailure } from '../system/index.ts';
import type { Base } from './request.ts';
import { openTree, type SourceTree } from './tree/index.ts';

/** A base with its parts located. */
export interface OpenBase {
  readonly tree: SourceTree;
  /** The configuration to use instead of the tree's own. */
  readonly config: string | undefined;
  /** The running hypervisor; `undefined` if there is none before the tree is built. */
  readonly xenSyms: Uint8Array | undefined;
}

/** Paths of the `.config` in folders that contain a source tree and its hypervisor. The first is that of XCP-ng's xen-lp-devel package. */
const CONFIGS = ['buildconfigs/config-release', 'config-release', 'xen.config', 'config'] as const;

/** Maximum size of an image; a xen-syms with debug information has some 30 MB. */
const MOST_BYTES = 512 * 1024 * 1024;

/**
 * Finds the tree, the configuration and the hypervisor of a base. `xen-syms` may lie in a folder that is the tree, or that contains
 * just one tree. Throws EUSAGE if something is missing.
 */
export function openBase({ source, xen, config: given }: Base): OpenBase {
  const top = treeIn(source);
  const config = given ?? (isConfigured(top) ? undefined : configBeside(source));
  const tree = openTree(top, config === undefined ? {} : { config });
  const beside = join(source, 'xen-syms');
  const path = xen ?? (existsSync(beside) ? beside : tree.xenSyms);
  return { tree, config, xenSyms: path === undefined ? undefined : readXenSyms(path) };
}

/** A file that identifies a source tree of Xen. */
const LANDMARK = 'xen/common/kernel.c';

/** Returns the only tree inside a folder; the folder if it is a tree itself, or does not contain exactly one. */
function treeIn(folder: string): string {
  if (existsSync(join(folder, LANDMARK)) || !existsSync(join(folder, 'xen-syms'))) return folder;
  const trees = readdirSync(folder).filter((name) => existsSync(join(folder, name, LANDMARK)));
  return trees.length === 1 ? join(folder, trees[0] ?? '') : folder;
}

const isConfigured = (tree: string): boolean =>
  [join(tree, '.config'), join(tree, 'xen', '.config')].some((path) => existsSync(path));

const configBeside = (folder: string): string | undefined =>
  CONFIGS.map((name) => join(folder, name)).find((path) => statSync(path, { throwIfNoEntry: false })?.isFile());

/** Reads a hypervisor's image. Throws EFILE if it is not a file, or too large. */
export function readXenSyms(path: string): Uint8Array {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw new XspliceError('EFILE', `${path}: not a regular file`, 'name a xen-syms file');
    if (stat.size > MOST_BYTES)
      throw new XspliceError('EFILE', `${path}: ${stat.size} bytes is too large for a xen-syms`);
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    throw fileFailure(error, `cannot read ${path}`, 'Give the xen-syms of the running hypervisor.');
  }
}

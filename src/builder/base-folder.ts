import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { XspliceError } from '../base/index.ts';
import { fileFailure } from '../system/index.ts';
import type { Base } from './request.ts';
import { openTree, type SourceTree } from './tree/index.ts';

/** A base with its parts found. */
export interface OpenBase {
  readonly tree: SourceTree;
  /** The configuration to go by, where it is not the tree's own. */
  readonly config: string | undefined;
  /** The hypervisor that runs; `undefined` where there is none before the tree is built. */
  readonly xenSyms: Uint8Array | undefined;
}

/** Where folders that hold a source tree beside its hypervisor have the `.config`: that of XCP-ng's xen-lp-devel package is the first one. */
const CONFIGS = ['buildconfigs/config-release', 'config-release', 'xen.config', 'config'] as const;

/** No image is read beyond this; a xen-syms with debug information has some 30 MB. */
const MOST_BYTES = 512 * 1024 * 1024;

/**
 * Finds the tree, the configuration and the hypervisor of a base. In a folder that holds them together `xen-syms` lies in it, and the tree is
 * the folder itself, or the one that is in it. Throws EUSAGE where something is not there.
 */
export function openBase({ source, xen, config: given }: Base): OpenBase {
  const top = treeIn(source);
  const config = given ?? (isConfigured(top) ? undefined : configBeside(source));
  const tree = openTree(top, config === undefined ? {} : { config });
  const beside = join(source, 'xen-syms');
  const path = xen ?? (existsSync(beside) ? beside : tree.xenSyms);
  return { tree, config, xenSyms: path === undefined ? undefined : readXenSyms(path) };
}

/** What tells a source tree of Xen from other folders. */
const LANDMARK = 'xen/common/kernel.c';

/** The tree of a folder, where that is none itself; where there is not just one, the folder. */
function treeIn(folder: string): string {
  if (existsSync(join(folder, LANDMARK)) || !existsSync(join(folder, 'xen-syms'))) return folder;
  const trees = readdirSync(folder).filter((name) => existsSync(join(folder, name, LANDMARK)));
  return trees.length === 1 ? join(folder, trees[0] ?? '') : folder;
}

const isConfigured = (tree: string): boolean =>
  [join(tree, '.config'), join(tree, 'xen', '.config')].some((path) => existsSync(path));

const configBeside = (folder: string): string | undefined =>
  CONFIGS.map((name) => join(folder, name)).find((path) => statSync(path, { throwIfNoEntry: false })?.isFile());

/** Reads the image of a hypervisor. Throws EFILE where it is no file, or too large for one. */
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

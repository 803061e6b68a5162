import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileFailure, privateFolder } from '../system/index.ts';
import type { OpenBase } from './base-folder.ts';
import type { FileChange } from './patches/index.ts';
import { copyTree } from './tree/copy-tree.ts';
import { type BuildOptions, type BuiltTree, builtTree, openTree } from './tree/index.ts';
import { writeChange } from './tree/working-copy.ts';

/**
 * Returns the built tree of a base. If patches belong to the base, the tree's objects are not the hypervisor's, so this builds a
 * patched copy in the cache, once.
 */
export async function builtBase(
  { tree, config, xenSyms }: OpenBase,
  pristine: readonly FileChange[],
  options: BuildOptions,
): Promise<BuiltTree> {
  const against = { ...options, xenSyms };
  if (pristine.length === 0) return builtTree(tree, against);
  const parent = options.env['TMPDIR'] || tmpdir();
  const copy = copyFolder(parent);
  try {
    copyTree(tree, copy.path);
    for (const { path, after } of pristine) writeChange(copy.path, { path, text: after });
    return await builtTree(openTree(copy.path, config === undefined ? {} : { config }), against);
  } finally {
    copy.remove();
  }
}

function copyFolder(parent: string): ReturnType<typeof privateFolder> {
  try {
    return privateFolder(join(parent, 'xsplice-pristine-'));
  } catch (error) {
    throw fileFailure(error, `cannot copy the tree to ${parent}`, 'Set TMPDIR to a folder with 100 MB of free space.');
  }
}

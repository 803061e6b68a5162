import { realpathSync } from 'node:fs';
import { join, sep } from 'node:path';
import { adviceFor, type Finding } from '../base/index.ts';
import { applyPatches, type FileChange, keepLines, readPatches, type SourcePatch } from './patches/index.ts';
import type { PatchFile } from './request.ts';
import { readText } from './tree/source-tree.ts';

/** The patches of files, or what is wrong with them. */
export interface ReadFiles {
  readonly patches: readonly SourcePatch[];
  readonly refusals: readonly Finding[];
}

/** Reads files with patches, in their order. */
export function readPatchFiles(files: readonly PatchFile[]): ReadFiles {
  const read = files.map(({ file, bytes }) => readPatches(bytes, file));
  return {
    patches: read.flatMap(({ patches }) => patches),
    refusals: read.flatMap(({ problems }) => problems.map(withAdvice)),
  };
}

/** What patches make of a tree, or where they do not apply. */
export interface Patched {
  /** Of the patches that belong to the base alone. */
  readonly pristine: readonly FileChange[];
  /** Of the others, on top of these. Lines that do not change keep their numbers. */
  readonly changes: readonly FileChange[];
  readonly refusals: readonly Finding[];
  readonly remarks: readonly Finding[];
}

/** Applies patches to a tree in memory: first those that belong to it, then those that the payload is to carry. */
export function patchTree(top: string, pristine: readonly SourcePatch[], patches: readonly SourcePatch[]): Patched {
  const ofTree = treeReader(top);
  const first = applyPatches(ofTree, pristine);
  const texts = new Map(first.changes.map(({ path, after }) => [path, after]));
  const ofBase = (path: string): string | undefined => {
    const text = texts.get(path);
    return text === undefined ? ofTree(path) : (text ?? undefined);
  };
  const second = first.problems.length > 0 ? NOTHING : applyPatches(ofBase, patches);
  return {
    pristine: first.changes,
    changes: second.changes.map(({ path, before, after }) => ({
      path,
      before,
      after: before === null || after === null ? after : keepLines(before, after, path),
    })),
    refusals: [...first.problems, ...second.problems].map(withAdvice),
    remarks: [...first.remarks, ...second.remarks],
  };
}

const withAdvice = (finding: Finding): Finding => ({ ...finding, advice: adviceFor(finding) });

const NOTHING = { changes: [], problems: [], remarks: [] };

/** Reads files of a tree; those that a link leads out of it to are not there. */
function treeReader(top: string): (path: string) => string | undefined {
  const root = realpathSync(top);
  return (path) => {
    try {
      if (!realpathSync(join(root, path)).startsWith(`${root}${sep}`)) return undefined;
    } catch {
      return undefined;
    }
    return readText(join(root, path));
  };
}

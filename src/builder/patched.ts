import { realpathSync } from 'node:fs';
import { join, sep } from 'node:path';
import { adviceFor, type Finding } from '../base/index.ts';
import { applyPatches, type FileChange, keepLines, readPatches, type SourcePatch } from './patches/index.ts';
import type { PatchFile } from './request.ts';
import { readText } from './tree/source-tree.ts';

/** Patches from files, or what is wrong with them. */
export interface ReadFiles {
  readonly patches: readonly SourcePatch[];
  readonly refusals: readonly Finding[];
}

/** Reads patch files in order. */
export function readPatchFiles(files: readonly PatchFile[]): ReadFiles {
  const read = files.map(({ file, bytes }) => readPatches(bytes, file));
  return {
    patches: read.flatMap(({ patches }) => patches),
    refusals: read.flatMap(({ problems }) => problems.map(withAdvice)),
  };
}

/** A tree after patches, or why they do not apply. */
export interface Patched {
  /** From the patches that belong to the base. */
  readonly pristine: readonly FileChange[];
  /** From the other patches, on top. Unchanged lines keep their numbers. */
  readonly changes: readonly FileChange[];
  readonly refusals: readonly Finding[];
  readonly remarks: readonly Finding[];
}

/** Applies patches to a tree in memory: first those of the base, then those for the payload. */
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

/** Reads files of a tree. A file behind a link out of the tree counts as missing. */
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

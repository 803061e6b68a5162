import { realpathSync } from 'node:fs';
import { join, sep } from 'node:path';
import type { Refusal, Remark } from '../documents/index.ts';
import {
  applyPatches,
  type FileChange,
  keepLines,
  type PatchProblem,
  readPatches,
  type SourcePatch,
} from './patches/index.ts';
import type { PatchFile } from './request.ts';
import { readText } from './tree/source-tree.ts';

/** Patches from files, or what is wrong with them. */
export interface ReadFiles {
  readonly patches: readonly SourcePatch[];
  readonly refusals: readonly Refusal[];
}

/** Reads patch files in order. */
export function readPatchFiles(files: readonly PatchFile[]): ReadFiles {
  const read = files.map(({ file, bytes }) => readPatches(bytes, file));
  return {
    patches: read.flatMap(({ patches }) => patches),
    refusals: read.flatMap(({ problems }) => problems.map(refusalOf)),
  };
}

/** A tree after patches, or why they do not apply. */
export interface Patched {
  /** From the patches that belong to the base. */
  readonly pristine: readonly FileChange[];
  /** From the other patches, on top. Unchanged lines keep their numbers. */
  readonly changes: readonly FileChange[];
  readonly refusals: readonly Refusal[];
  readonly remarks: readonly Remark[];
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
  const remarks = [...first.remarks, ...second.remarks];
  return {
    pristine: first.changes,
    changes: second.changes.map(({ path, before, after }) => ({
      path,
      before,
      after: before === null || after === null ? after : keepLines(before, after, path),
    })),
    refusals: [...first.problems, ...second.problems].map(refusalOf),
    remarks: remarks.map(({ message, path }) => ({ text: message, symbol: null, object: path })),
  };
}

const NOTHING = { changes: [], problems: [], remarks: [] };

const refusalOf = ({ message, hint, path, file, line }: PatchProblem): Refusal => ({
  reason: message,
  symbol: null,
  object: path ?? (line === undefined ? file : `${file}:${line}`),
  advice: hint ?? null,
});

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

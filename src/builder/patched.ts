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

/** The patches of files, or what is wrong with them. */
export interface ReadFiles {
  readonly patches: readonly SourcePatch[];
  readonly refusals: readonly Refusal[];
}

/** Reads files with patches, in their order. */
export function readPatchFiles(files: readonly PatchFile[]): ReadFiles {
  const read = files.map(({ file, bytes }) => readPatches(bytes, file));
  return {
    patches: read.flatMap(({ patches }) => patches),
    refusals: read.flatMap(({ problems }) => problems.map(refusalOf)),
  };
}

/** What patches make of a tree, or where they do not apply. */
export interface Patched {
  /** Of the patches that belong to the base alone. */
  readonly pristine: readonly FileChange[];
  /** Of the others, on top of these. Lines that do not change keep their numbers. */
  readonly changes: readonly FileChange[];
  readonly refusals: readonly Refusal[];
  readonly remarks: readonly Remark[];
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

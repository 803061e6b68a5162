import type { Finding } from '../../../src/base/index.ts';
import { type AppliedPatches, type ApplyOptions, applyPatches } from '../../../src/builder/patches/apply-patches.ts';
import { readPatches } from '../../../src/builder/patches/read-patches.ts';
import type { ReadPatches } from '../../../src/builder/patches/types.ts';
import { bytes } from './git.ts';

/** A source file with functions in it, long enough for hunks to be apart. */
export const SOURCE = Array.from({ length: 60 }, (_, i) =>
  i % 10 === 0 ? `int f${i}(void)\n` : `    line ${i};\n`,
).join('');

/** `SOURCE` with some lines replaced. */
export const changed = (edits: Readonly<Record<number, string>>): string =>
  SOURCE.split(/(?<=\n)/)
    .map((line, i) => edits[i] ?? line)
    .join('');

/** Reads patches of a byte string, and expects that nothing is wrong with them. */
export function read(text: string, file = 'test.patch'): ReadPatches['patches'] {
  const { patches, problems } = readPatches(bytes(text), file);
  if (problems.length > 0) throw new Error(problems.map(({ rule, message }) => `${rule}: ${message}`).join('\n'));
  return patches;
}

/** What is wrong with a patch file. */
export const problemsOf = (text: string, file = 'test.patch'): readonly Finding[] =>
  readPatches(bytes(text), file).problems;

/** Applies the patches of a byte string to a tree that is given as an object. */
export function apply(text: string, tree: Readonly<Record<string, string>>, options?: ApplyOptions): AppliedPatches {
  return applyPatches((path) => (Object.hasOwn(tree, path) ? tree[path] : undefined), read(text), options);
}

/** The tree after changes; expects that nothing is wrong. */
export function treeAfter(applied: AppliedPatches, tree: Readonly<Record<string, string>>): Record<string, string> {
  if (applied.problems.length > 0) throw new Error(applied.problems.map(({ message }) => message).join('\n'));
  const after = new Map(Object.entries(tree));
  for (const { path, after: text } of applied.changes) text === null ? after.delete(path) : after.set(path, text);
  return Object.fromEntries(after);
}

/** A diff of one file with the hunks that are given. */
export const diffOf = (path: string, ...hunks: string[]): string => `--- a/${path}\n+++ b/${path}\n${hunks.join('')}`;

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyPatches, readPatches } from '../../../src/builder/patches/index.ts';
import { bytes, type Folder, inFolder } from './git.ts';

/** Few different lines, so that hunks have several places where they nearly fit. */
const line = fc.constantFrom('{', '}', '', 'int x;', '    return;', '-- a', '++ b', '\xe9');
const lines = fc.array(line, { minLength: 0, maxLength: 40 });
const newline = fc.boolean();
/** Position, number of removed lines, and new lines. */
const edits = fc.array(fc.tuple(fc.nat(40), fc.nat(3), fc.array(line, { maxLength: 3 })), {
  minLength: 1,
  maxLength: 4,
});

const textOf = (content: readonly string[], ends: boolean): string =>
  content.join('\n') + (ends && content.length > 0 ? '\n' : '');

function edited(
  content: readonly string[],
  changes: readonly (readonly [number, number, readonly string[]])[],
): string[] {
  const result = [...content];
  for (const [at, removed, added] of changes) result.splice(Math.min(at, result.length), removed, ...added);
  return result;
}

/** Returns git's diff of two texts; empty if they are equal. */
function diffBetween(folder: Folder, before: string, after: string, ...options: string[]): string {
  folder.write({ 'a/x.c': before, 'b/x.c': after });
  try {
    return folder.git('diff', '--no-index', '--no-prefix', ...options, 'a/x.c', 'b/x.c');
  } catch (error) {
    return String((error as { stdout: unknown }).stdout);
  }
}

/** Returns a program's result for `x.c` and the patch; `undefined` if it refuses. */
function madeBy(folder: Folder, text: string, diff: string, program: string, ...args: string[]): string | undefined {
  folder.write({ 'x.c': text, 'the.patch': diff });
  return folder.succeeds(program, ...args) ? folder.read('x.c') : undefined;
}

const byGit = (folder: Folder, text: string, diff: string): string | undefined =>
  madeBy(folder, text, diff, 'git', 'apply', 'the.patch');

const byPatch = (folder: Folder, text: string, diff: string): string | undefined =>
  madeBy(
    folder,
    text,
    diff,
    'patch',
    '-p1',
    '--fuzz=0',
    '--forward',
    '--batch',
    '--no-backup-if-mismatch',
    '--reject-file=-',
    '--input=the.patch',
  );

function byUs(text: string, diff: string): { text?: string; codes: string[] } {
  const { patches, problems } = readPatches(bytes(diff), 'the.patch');
  if (problems.length > 0) return { codes: problems.map(({ rule }) => rule) };
  const applied = applyPatches((path) => (path === 'x.c' ? text : undefined), patches);
  const [change] = applied.changes;
  if (applied.problems.length > 0) return { codes: applied.problems.map(({ rule }) => rule) };
  return { text: change === undefined ? text : (change.after ?? ''), codes: [] };
}

// Each run starts git and patch.
describe('random edits', { timeout: 120_000 }, () => {
  it('apply to their own file as git apply has it', () => {
    inFolder(false, (folder) => {
      fc.assert(
        fc.property(
          lines,
          newline,
          edits,
          newline,
          fc.constantFrom(1, 3, 5),
          (content, ends, changes, endsAfter, context) => {
            const [before, after] = [textOf(content, ends), textOf(edited(content, changes), endsAfter)];
            const diff = diffBetween(folder, before, after, `-U${context}`);
            fc.pre(diff !== '');
            expect(byUs(before, diff)).toEqual({ text: after, codes: [] });
          },
        ),
        { numRuns: 80 },
      );
    });
  });

  it('apply to another version of the file as patch without fuzz has it, or are refused', () => {
    const seen = { same: 0, refused: 0, unsure: 0 };
    inFolder(false, (folder) => {
      fc.assert(
        fc.property(lines, edits, edits, (content, changes, others) => {
          const before = textOf(content, true);
          const diff = diffBetween(folder, before, textOf(edited(content, changes), true));
          fc.pre(diff !== '');
          const other = textOf(edited(content, others), true);
          const ours = byUs(other, diff);
          const theirs = byPatch(folder, other, diff);
          if (ours.text !== undefined) {
            expect(theirs).toBe(ours.text);
            seen.same++;
          } else if (theirs !== undefined) {
            // They take the nearest of several places, and any place for a hunk without context; we take neither.
            expect(ours.codes.every((code) => code === 'patch-ambiguous' || code === 'patch-no-context')).toBe(true);
            seen.unsure++;
          } else seen.refused++;
        }),
        { numRuns: 150 },
      );
    });
    expect(seen.same).toBeGreaterThan(5);
    expect(seen.refused).toBeGreaterThan(5);
  });

  it('of files of distinct lines that moved apply as git apply has it', () => {
    inFolder(true, (folder) => {
      fc.assert(
        fc.property(edits, edits, (changes, others) => {
          const content = Array.from({ length: 60 }, (_, i) => `line ${i}`);
          const [before, after] = [textOf(content, true), textOf(edited(content, changes), true)];
          const diff = diffBetween(folder, before, after);
          fc.pre(diff !== '');
          const other = textOf(
            edited(
              content,
              others.map(([at, removed, added]) => [at + 10, removed, added] as const),
            ),
            true,
          );
          const theirs = byGit(folder, other, diff);
          const ours = byUs(other, diff);
          // git takes less context at the end of a file for less context; patch and we take it for the end.
          if (theirs !== undefined && byPatch(folder, other, diff) !== undefined) expect(ours.text).toBe(theirs);
          if (ours.text !== undefined) expect(byPatch(folder, other, diff)).toBe(ours.text);
        }),
        { numRuns: 60 },
      );
    });
  });
});

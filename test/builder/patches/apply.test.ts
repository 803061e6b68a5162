import { describe, expect, it } from 'vitest';
import { APPLIED_ALREADY } from '../../../src/builder/patches/apply-hunks.ts';
import { apply, changed, diffOf, treeAfter } from './support.ts';

const DIFF = diffOf('xen/x.c', '@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n');
const LINES = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'];
const file = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');
/** A hunk in the middle of `LINES`: three becomes 3. */
const HUNK = '@@ -2,3 +2,3 @@\n two\n-three\n+3\n four\n';
const MIDDLE = diffOf('x.c', HUNK);

describe('where a hunk applies', () => {
  it('is its stated place, even if its lines also occur elsewhere', () => {
    const text = file([...LINES, ...LINES]);
    const after = treeAfter(apply(MIDDLE, { 'x.c': text }), {});
    expect(after['x.c']).toBe(text.replace('three', '3'));
  });

  it('may be elsewhere if the place is unique, with a remark on the offset', () => {
    const down = apply(MIDDLE, { 'x.c': file(['x', 'y', ...LINES]) });
    expect(treeAfter(down, {})['x.c']).toBe(file(['x', 'y', ...LINES]).replace('three', '3'));
    expect(down.remarks).toEqual([
      {
        rule: 'patch-offset',
        message: 'test.patch: x.c, @@ -2,3 +2,3 @@: applied 2 lines further down than it says',
        severity: 'note',
        where: { file: 'x.c' },
      },
    ]);
    const up = apply(MIDDLE, { 'x.c': file(LINES.slice(1)) });
    expect(up.remarks[0]?.message).toContain('applied 1 line further up');
  });

  it('is not guessed between several places', () => {
    const { changes, problems } = apply(MIDDLE, { 'x.c': file(['x', ...LINES, ...LINES]) });
    expect(changes).toEqual([]);
    expect(problems[0]).toMatchObject({ rule: 'patch-ambiguous', where: { file: 'x.c' } });
    expect(problems[0]?.message).toContain('lines 3 and 11');
  });

  it('must be unique after an earlier hunk was elsewhere', () => {
    // The second hunk's lines stand where it says and, as the first is one line further down, one line below.
    const hunks = ['@@ -1,3 +1,3 @@\n-a\n+A\n b\n c\n', '@@ -6,1 +6,1 @@\n-same\n+other\n'];
    const shifted = file(['new', 'a', 'b', 'c', 'd', 'same', 'same', 'e']);
    expect(
      apply(diffOf('x.c', ...hunks.map((hunk) => hunk.replace('-1,3 +1,3', '-2,3 +2,3'))), { 'x.c': shifted }).problems,
    ).toEqual([]);
    const [first = '', second = ''] = hunks;
    const elsewhere = diffOf('x.c', first.replace('-1,3 +1,3', '-3,3 +3,3'), second);
    expect(apply(elsewhere, { 'x.c': shifted }).problems.map(({ rule }) => rule)).toEqual(['patch-ambiguous']);
  });
});

describe('a hunk that does not fit', () => {
  it('reports the first mismatching line, and both texts', () => {
    const { changes, problems } = apply(MIDDLE, { 'x.c': file(LINES).replace('three', 'tree') });
    expect(changes).toEqual([]);
    expect(problems).toEqual([
      {
        rule: 'patch-mismatch',
        message: 'test.patch: x.c, @@ -2,3 +2,3 @@: line 3: the patch expects “three”, but the file has “tree”',
        severity: 'error',
        where: { file: 'x.c' },
      },
    ]);
  });

  it('is compared where most of it fits', () => {
    const shifted = file(['x', 'y', 'z', ...LINES]).replace('four', '4');
    expect(apply(MIDDLE, { 'x.c': shifted }).problems[0]?.message).toContain(
      'line 7: the patch expects “four”, but the file has “4”',
    );
  });

  it('past the end of the file is reported as such', () => {
    const [problem] = apply(MIDDLE, { 'x.c': file(LINES.slice(0, 3)) }).problems;
    expect(problem?.message).toContain('line 4: the patch expects “four”, but the file has only 3 lines');
  });

  it('only in white space is reported as such', () => {
    const [problem] = apply(MIDDLE, { 'x.c': file(LINES).replace('three', 'three ') }).problems;
    expect(problem?.message).toContain('only white space');
  });

  it('because it was already applied is reported as such', () => {
    for (const text of [file(LINES), file(['x', ...LINES])]) {
      const [problem] = apply(MIDDLE, { 'x.c': text.replace('three', '3') }).problems;
      expect(problem).toMatchObject({ rule: 'patch-mismatch', advice: APPLIED_ALREADY });
    }
  });

  it('because the file does not begin or end there', () => {
    const start = diffOf('x.c', '@@ -1,3 +1,4 @@\n+zero\n one\n two\n three\n');
    expect(treeAfter(apply(start, { 'x.c': file(LINES) }), {})['x.c']).toBe(file(['zero', ...LINES]));
    expect(apply(start, { 'x.c': file(['x', ...LINES]) }).problems[0]?.message).toContain('starts there');
    const end = diffOf('x.c', '@@ -6,3 +6,4 @@\n six\n seven\n eight\n+nine\n');
    expect(treeAfter(apply(end, { 'x.c': file(['x', ...LINES]) }), {})['x.c']).toBe(file(['x', ...LINES, 'nine']));
    expect(apply(end, { 'x.c': file([...LINES, 'x']) }).problems[0]?.message).toContain('ends');
  });

  it('because an earlier hunk has its lines', () => {
    const { problems } = apply(diffOf('x.c', HUNK, HUNK), { 'x.c': file(LINES) });
    expect(problems.map(({ rule }) => rule)).toEqual(['patch-mismatch']);
    expect(problems[0]?.message).toContain('earlier hunk');
    const twice = apply(diffOf('x.c', HUNK, HUNK), { 'x.c': file([...LINES, ...LINES]) });
    expect(treeAfter(twice, {})['x.c']).toBe(file([...LINES, ...LINES]).replaceAll('three', '3'));
  });

  it('because it has no line that says where', () => {
    const { problems } = apply(diffOf('x.c', '@@ -3,0 +4 @@\n+x\n'), { 'x.c': file(LINES) });
    expect(problems.map(({ rule }) => rule)).toEqual(['patch-no-context']);
  });

  it('because a line after it would be joined to it', () => {
    const torn = diffOf('x.c', '@@ -2,2 +2,2 @@\n two\n-three\n+3\n\\ No newline at end of file\n');
    expect(apply(torn, { 'x.c': file(LINES) }).problems.map(({ rule }) => rule)).toEqual(['patch-mismatch']);
  });

  it('is reported with the others of its patch, without control characters', () => {
    const later = '@@ -7,1 +7,1 @@\n-se\x1b[7mven\n+7\n';
    const { problems } = apply(diffOf('x.c', HUNK.replace('two', '2'), later), { 'x.c': file(LINES) });
    expect(problems).toHaveLength(2);
    expect(problems[1]?.message).toContain('se\\x1b[7mven');
  });
});

describe('files', () => {
  const made = `--- /dev/null\n+++ b/new.c\n@@ -0,0 +1 @@\n+x\n`;
  const git = 'diff --git a/x.c b/y.c\nsimilarity index 100%\n';

  it.each([
    ['patch-no-file', 'that are not there', DIFF, {}, 'xen/x.c'],
    ['patch-file-exists', 'that are made and are there', made, { 'new.c': 'y\n' }, 'new.c'],
    [
      'patch-file-exists',
      'that a rename makes and are there',
      `${git}rename from x.c\nrename to y.c\n`,
      { 'x.c': 'a', 'y.c': 'b' },
      'y.c',
    ],
    [
      'patch-not-empty',
      'that are removed and have more lines',
      '--- a/x.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n',
      { 'x.c': 'a\nb\n' },
      'x.c',
    ],
  ])('(%s) %s', (code, _what, text, tree, path) => {
    const { changes, problems } = apply(text, tree);
    expect(changes).toEqual([]);
    expect(problems.map((problem) => [problem.rule, problem.where.file])).toEqual([[code, path]]);
  });

  it('that are gone, or renamed, as the patch makes them: applied already', () => {
    const gone = '--- a/x.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n';
    expect(apply(gone, {}).problems[0]).toMatchObject({ rule: 'patch-no-file', advice: APPLIED_ALREADY });
    const renamed = `${git}rename from x.c\nrename to y.c\n`;
    expect(apply(renamed, { 'y.c': 'a\n' }).problems[0]).toMatchObject({
      rule: 'patch-no-file',
      advice: APPLIED_ALREADY,
    });
    expect(apply(renamed, {}).problems[0]).not.toHaveProperty('advice');
  });

  it('that are there as the patch makes them: applied already', () => {
    expect(apply(made, { 'new.c': 'x\n' }).problems[0]).toMatchObject({
      rule: 'patch-file-exists',
      advice: APPLIED_ALREADY,
    });
  });

  it('that a series makes, renames and removes again are no change', () => {
    const rename = `diff --git a/new.c b/old.c\nsimilarity index 100%\nrename from new.c\nrename to old.c\n`;
    const gone = `diff --git a/old.c b/old.c\ndeleted file mode 100644\n--- a/old.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n`;
    const subject = (n: number, diff: string): string =>
      `From a@example.org Mon Sep 17 00:00:00 2001\nSubject: [PATCH ${n}/3] x\n\n${diff}`;
    expect(apply([made, rename, gone].map((diff, i) => subject(i + 1, diff)).join(''), {})).toEqual({
      changes: [],
      problems: [],
      remarks: [],
    });
  });

  it('of patches after one that does not apply are ignored', () => {
    const mail = (n: number): string =>
      `From a@example.org Mon Sep 17 00:00:00 2001\nSubject: [PATCH ${n}/2] p${n}\n\n${DIFF}`;
    const { problems } = apply(mail(1) + mail(2).replace('+B', '+D'), { 'xen/x.c': 'z\n' });
    expect(problems).toHaveLength(1);
    expect(problems[0]?.message).toContain('the file has “z”');
  });
});

describe('paths', () => {
  const inXen = diffOf('common/x.c', '@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n');
  const text = 'a\nb\nc\n';

  it.each([
    ['of the whole tree, seen from its top', DIFF, 'top', 'xen/x.c'],
    ['of the whole tree, seen from xen/', DIFF, 'xen', 'x.c'],
    ['of xen/, seen from the top', inXen, 'top', 'xen/common/x.c'],
    ['of xen/, seen from there', inXen, 'xen', 'common/x.c'],
  ] as const)('%s', (_what, diff, root, path) => {
    expect(treeAfter(apply(diff, { [path]: text }, { root }), {})).toEqual({ [path]: 'a\nB\nc\n' });
  });

  it('of new files follow those of the others', () => {
    const made = `${inXen}--- /dev/null\n+++ b/common/new.c\n@@ -0,0 +1 @@\n+x\n`;
    expect(apply(made, { 'xen/common/x.c': text }).changes.map(({ path }) => path)).toEqual([
      'xen/common/new.c',
      'xen/common/x.c',
    ]);
    const alone = '--- /dev/null\n+++ b/xen/new.c\n@@ -0,0 +1 @@\n+x\n';
    expect(apply(alone, {}, { root: 'xen' }).changes.map(({ path }) => path)).toEqual(['new.c']);
  });

  it('outside xen/ are skipped, with a remark', () => {
    const both = `${DIFF}${diffOf('tools/libs/y.c', '@@ -1 +1 @@\n-p\n+q\n')}`;
    const applied = apply(both, { 'x.c': text }, { root: 'xen' });
    expect(applied.changes.map(({ path }) => path)).toEqual(['x.c']);
    expect(applied.remarks.map(({ rule, where }) => [rule, where.file])).toEqual([['patch-outside', 'tools/libs/y.c']]);
  });

  it('are asked for only where they stay in the tree, and each once', () => {
    const asked: string[] = [];
    const tree = new Proxy({} as Record<string, string>, {
      getOwnPropertyDescriptor: (_target, name) => {
        asked.push(String(name));
        return undefined;
      },
    });
    apply(DIFF, tree);
    expect(asked).toEqual(['xen/x.c', 'xen/xen/x.c']);
  });
});

it('lines keep their bytes, and the ends that they have', () => {
  const text = changed({ 7: 'caf\xe9\r\n', 59: 'no newline' });
  const diff = diffOf('x.c', '@@ -8,3 +8,3 @@\n caf\xe9\r\n-    line 8;\n+    eight;\n     line 9;\n');
  const { changes } = apply(diff, { 'x.c': text });
  expect(changes).toEqual([{ path: 'x.c', before: text, after: text.replace('line 8;', 'eight;') }]);
});

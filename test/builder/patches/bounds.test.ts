import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyPatches, readPatches } from '../../../src/builder/patches/index.ts';
import { bytes } from './git.ts';
import { apply, diffOf, problemsOf } from './support.ts';

const MEGA = 1 << 20;
const header = 'From a@example.org Mon Sep 17 00:00:00 2001\nSubject: [PATCH] x\n\n';

describe('too much', () => {
  it.each([
    ['bytes', () => 'x'.repeat(16 * MEGA + 1), /16777217 bytes/],
    ['lines', () => '\n'.repeat(2_100_000), /2000000 lines/],
    ['mails', () => `${header}\n`.repeat(1001), /1001 mails/],
    [
      'parts of a mail',
      () => `Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n${'--b\n\nx\n'.repeat(300)}`,
      /too many parts/,
    ],
    ['parts inside each other', () => nested(40), /too many parts/],
  ])('%s is refused', (_what, text, words) => {
    const problem = problemsOf(text())[0];
    expect(problem?.rule).toBe('patch-too-large');
    expect(problem?.message).toMatch(words);
  });
});

const nested = (depth: number): string =>
  depth === 0
    ? 'x'
    : `Subject: x\nContent-Type: multipart/mixed; boundary=b${depth}\n\n--b${depth}\n${nested(depth - 1)}\n`;

/** Texts that would take a careless reader forever. Each has some MiB, and must be read in seconds. */
const HOSTILE: readonly (readonly [string, () => string])[] = [
  ['names of blanks', () => `diff --git ${'a/ '.repeat(MEGA)}\nold mode 100644\n`],
  ['a name that ends in blanks', () => diffOf(`x${' '.repeat(2 * MEGA)}y`, '@@ -1 +1 @@\n-a\n+b\n')],
  ['a quoted name', () => `--- "${'\\\\'.repeat(MEGA)}\n+++ "${'\\1'.repeat(MEGA)}\n@@ -1 +1 @@\n-a\n+b\n`],
  ['lines about binary files', () => `Binary files ${' and '.repeat(MEGA)}\n`],
  ['lines like those of a mailbox', () => `${header}From ${' 1:11 '.repeat(MEGA)}\n`],
  ['a field without end', () => `Subject: ${'=?utf-8?q?'.repeat(MEGA / 4)}\n\nx\n`],
  ['a folded field without end', () => `Subject: x\n${' x\n'.repeat(MEGA)}\n`],
  ['a content type of parameters', () => `Subject: x\nContent-Type: text/plain${'; a="'.repeat(MEGA)}\n\nx\n`],
  ['a subject of brackets', () => `Subject: ${'['.repeat(MEGA)}\n\nx\n`],
  ['senders', () => `From: ${'"a" <b@c>, '.repeat(MEGA / 4)}\n\nx\n`],
  [
    'quoted-printable blanks',
    () => `Subject: x\nContent-Transfer-Encoding: quoted-printable\n\n${' '.repeat(4 * MEGA)}=\n`,
  ],
  [
    'boundaries that are none',
    () => `Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n${`--b${' '.repeat(200)}x\n`.repeat(20_000)}`,
  ],
  ['hunks that are none', () => diffOf('x.c', '@@ -1 +1 @\n'.repeat(MEGA / 4))],
  ['files', () => diffOf('x.c', '@@ -1 +1 @@\n-a\n+b\n').repeat(100_000)],
  [
    'a hunk that counts further than it goes',
    () => diffOf('x.c', '@@ -1,999999999 +1,999999999 @@\n', ' \n'.repeat(MEGA)),
  ],
];

describe('hostile patches end soon', { timeout: 60_000 }, () => {
  it.each(HOSTILE)('%s', (_what, text) => {
    const made = bytes(text());
    const start = performance.now();
    const { problems } = readPatches(made, 'test.patch');
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(problems.length).toBeLessThanOrEqual(100);
  });

  it('that name one file again and again, or hunks that fit nowhere', () => {
    const source = 'x\n'.repeat(100_000);
    const hunk = `@@ -1,1000 +1,1001 @@\n${' x\n'.repeat(999)}+y\n z\n`;
    const start = performance.now();
    const once = apply(diffOf('x.c', ...Array.from({ length: 1000 }, () => hunk)), { 'x.c': source });
    const again = apply(diffOf('x.c', '@@ -1,1 +1,1 @@\n-x\n+x\n').repeat(10_000), { 'x.c': source });
    expect(performance.now() - start).toBeLessThan(20_000);
    expect(once.problems.map(({ rule }) => rule)).toContain('patch-mismatch');
    expect(again.problems[0]?.rule).toBe('patch-too-large');
  });

  it('whose lines repeat are searched in linear time', () => {
    const source = 'x\n'.repeat(200_000);
    const { patches } = readPatches(
      bytes(diffOf('x.c', `@@ -7,100001 +7,100001 @@\n${' x\n'.repeat(99_999)}-z\n+y\n x\n`)),
      'p',
    );
    const start = performance.now();
    const { problems } = applyPatches(() => source, patches);
    expect(performance.now() - start).toBeLessThan(3000);
    expect(problems.map(({ rule }) => rule)).toEqual(['patch-mismatch']);
  });
});

describe('damaged patches', () => {
  const parts = [
    header,
    'From: =?UTF-8?q?J=C3=BCrgen?= <j@example.org>\n',
    'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Transfer-Encoding: base64\n\n',
    'diff --git a/x.c b/x.c\n',
    'old mode 100644\nnew mode 100755\n',
    'similarity index 90%\nrename from x.c\nrename to y/z.c\n',
    'index 1234567..89abcde 100644\n',
    '--- a/x.c\n',
    '+++ b/../x.c\t1970-01-01 00:00:00\n',
    '+++ b/x.c\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n',
    '@@ -1 +1,0 @@\n-a\n\\ No newline at end of file\n',
    '--- /dev/null\n+++ "b/\\303\\274.c"\n@@ -0,0 +1 @@\n+x\n',
    '--b--\n-- \n2.39.5\n',
  ];
  const piece = fc.oneof(fc.constantFrom(...parts), fc.string({ maxLength: 5, unit: 'binary-ascii' }));
  const edit = fc.tuple(fc.nat(), fc.nat(8), fc.string({ maxLength: 3, unit: 'binary-ascii' }));

  it('are reported, and never lead out of the tree', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), fc.array(edit, { maxLength: 3 }), (pieces, edits) => {
        let text = pieces.join('');
        for (const [at, removed, added] of edits) {
          const start = at % (text.length + 1);
          text = text.slice(0, start) + added + text.slice(start + removed);
        }
        const { patches, problems } = readPatches(bytes(text), 'test.patch');
        expect(patches.length + problems.length).toBeGreaterThan(0);
        applyPatches((path) => {
          expect(path).not.toMatch(/^\/|(?:^|\/)(?:\.\.?|)(?:\/|$)|\\/);
          return 'a\nb\nc\n';
        }, patches);
      }),
      { numRuns: 3000 },
    );
  });
});

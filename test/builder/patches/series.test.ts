import { describe, expect, it } from 'vitest';
import { readSubject } from '../../../src/builder/patches/subject.ts';
import { type Folder, inFolder } from './git.ts';
import { apply, changed, diffOf, problemsOf, read, SOURCE, treeAfter } from './support.ts';

const STEPS = [
  SOURCE,
  changed({ 20: 'two\n' }),
  changed({ 20: 'two\nagain\n', 40: '' }),
  changed({ 20: 'three\n', 40: 'four\n', 59: 'end' }),
];

/** A repository with three commits that change the same file. */
const withSeries = (use: (folder: Folder) => void): void =>
  inFolder(true, (folder) => {
    for (const [i, text] of STEPS.entries()) folder.commit(`x86: step ${i}`, { 'xen/x.c': text });
    use(folder);
  });

/** The mails of a mailbox of git. */
const mails = (box: string): string[] => box.split(/(?=^From [0-9a-f]{40} )/m);

const FROM = 'From a@example.org Mon Sep 17 00:00:00 2001\n';
const DIFF = diffOf('x.c', '@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n');
const mail = (subject: string, body = DIFF): string =>
  `${FROM}From: A <a@example.org>\nSubject: ${subject}\n\n${body}\n`;

describe('a mailbox', () => {
  it('with a series of git format-patch is put in order, without its cover letter', () => {
    withSeries((folder) => {
      const box = mails(folder.git('format-patch', '--stdout', '--cover-letter', '-v2', '-3'));
      expect(box).toHaveLength(4);
      const reply = `${FROM}From: B <b@example.org>\nSubject: Re: [PATCH v2 2/3] x86: step 2\n\nLooks good.\n> -b\n>From what I see.\n`;
      const [cover = '', ...patches] = box;
      const shuffled = [patches[2], reply, patches[0], cover, patches[1]].join('');
      const found = read(shuffled);
      expect(found.map(({ title, place }) => [title, place?.number, place?.version])).toEqual([
        ['x86: step 1', 1, 2],
        ['x86: step 2', 2, 2],
        ['x86: step 3', 3, 2],
      ]);
      const applied = apply(shuffled, { 'xen/x.c': SOURCE });
      expect(treeAfter(applied, {})).toEqual({ 'xen/x.c': STEPS[3] });
      expect(applied.changes).toEqual([{ path: 'xen/x.c', before: SOURCE, after: STEPS[3] }]);
    });
  });

  it('that lacks a patch says which', () => {
    withSeries((folder) => {
      const [first = '', , third = ''] = mails(folder.git('format-patch', '--stdout', '-3'));
      const [problem] = problemsOf(third + first);
      expect(problem).toMatchObject({
        rule: 'missing-patch',
        message: 'test.patch: the series is incomplete; missing 2/3',
      });
    });
  });

  it('with one patch of a series is that patch: its file was given alone', () => {
    expect(read(mail('[PATCH 2/5] x: y')).map(({ title }) => title)).toEqual(['x: y']);
  });

  it('of unnumbered patches keeps their order', () => {
    const next = diffOf('x.c', '@@ -1,3 +1,3 @@\n a\n-B\n+C\n c\n');
    expect(read(mail('[PATCH] b') + mail('[PATCH] a', next)).map(({ title }) => title)).toEqual(['b', 'a']);
  });

  it.each([
    ['a public inbox', 'From mboxrd@z Thu Jan  1 00:00:00 1970\n'],
    ['a list archive', 'From a at example.org  Mon Feb  3 04:05:06 2020\n'],
    ['a mail program', 'From - Mon Feb 03 04:05:06 2020\nX-Mozilla-Status: 0001\n'],
    ['a mail program, alone', ''],
  ])('of %s is read', (_what, from) => {
    const body = `>From 10:11 on in 2020: it works.\nFrom 10:11 on in 2020 it does not.\n\n${DIFF}`;
    const one = mail('[PATCH] a', body).replace(FROM, from);
    expect(read(one).map(({ title, author }) => [title, author])).toEqual([['a', 'A <a@example.org>']]);
    expect(read(from === '' ? one : one + one)).toHaveLength(from === '' ? 1 : 2);
  });

  it('may have the same mail twice', () => {
    expect(read(mail('[PATCH 1/1] a') + mail('[PATCH 1/1] a'))).toHaveLength(1);
  });

  it('is read where only a reply has the patch', () => {
    expect(read(mail('question about x', 'How?\n') + mail('Re: question about x')).map(({ title }) => title)).toEqual([
      'question about x',
    ]);
  });

  it.each([
    ['mixed-series', 'two versions', mail('[PATCH 1/1] a') + mail('[PATCH v2 1/1] a'), /v1, v2/],
    ['mixed-series', 'two series', mail('[PATCH 1/2] a') + mail('[PATCH 2/3] b'), /of 2 and of 3/],
    [
      'mixed-series',
      'an unnumbered patch among numbered ones',
      mail('[PATCH 1/1] a') + mail('[PATCH] b'),
      /“b” has no number/,
    ],
    ['mixed-series', 'a number beyond the last', mail('[PATCH 3/2] a') + mail('[PATCH 1/2] b'), /3\/2/],
    ['mixed-series', 'a reply with a patch', mail('[PATCH] a') + mail('Re: [PATCH] a'), /reply/],
    [
      'duplicate-patch',
      'two patches of one place',
      mail('[PATCH 1/1] a') + mail('[PATCH 1/1] b', DIFF.replace('+B', '+D')),
      /“b”/,
    ],
    ['no-patch', 'a patch without one', mail('[PATCH 1/2] a') + mail('[PATCH 2/2] b', 'see the web\n'), /“b”/],
    ['missing-patch', 'a cover letter and too little', mail('[PATCH 0/2] a', 'why\n') + mail('[PATCH 1/2] b'), /2\/2/],
    ['no-patch', 'talk only', mail('hello', 'hi\n'), /no patch/],
  ])('is refused (%s) with %s', (code, _what, box, words) => {
    const problem = problemsOf(box).find((one) => one.rule === code);
    expect(problem?.message).toMatch(words);
  });
});

describe('a subject', () => {
  it.each([
    ['[PATCH] a', { title: 'a', patch: true, reply: false }],
    [
      'Re: [Xen-devel] [PATCH v3 02/10] a: b',
      { title: 'a: b', patch: true, reply: true, place: { version: 3, number: 2, total: 10 } },
    ],
    [
      '[XEN PATCH 4.17 v2 1/2] [x86] a',
      { title: 'a', patch: true, reply: false, place: { version: 2, number: 1, total: 2 } },
    ],
    ['[PATCHv4 1/2] a', { title: 'a', patch: true, reply: false, place: { version: 4, number: 1, total: 2 } }],
    ['AW: Fwd: a [b]', { title: 'a [b]', patch: false, reply: true }],
    ['[PATCH]', { title: '[PATCH]', patch: true, reply: false }],
  ])('%s', (text, subject) => {
    expect(readSubject(text)).toEqual(subject);
  });
});

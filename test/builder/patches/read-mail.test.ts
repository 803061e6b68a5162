import { describe, expect, it } from 'vitest';
import { type Folder, inFolder, utf8 } from './git.ts';
import { apply, changed, diffOf, problemsOf, read, SOURCE, treeAfter } from './support.ts';

const MESSAGE = 'x86/größe: über alles — fix it\n\nFrom here on 12:00 in 2020 it works.\n--\nnot a signature\n';
const BEFORE = { 'xen/common/x.c': SOURCE.replace('line 30', utf8('grün')) };
const AFTER = { 'xen/common/x.c': changed({ 30: '', 31: utf8('    rötlich;\n'), 55: '    new;\n' }) };

/** A repository with one commit to post. */
const withCommit = (use: (folder: Folder) => void): void =>
  inFolder(true, (folder) => {
    folder.commit('before', BEFORE);
    folder.commit(MESSAGE, AFTER);
    use(folder);
  });

const plain = (body: string, ...header: string[]): string =>
  `From: A <a@example.org>\nSubject: [PATCH] title\n${header.map((line) => `${line}\n`).join('')}\n${body}`;

const DIFF = diffOf('x.c', '@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n');
const X = { 'x.c': 'a\nb\nc\n' };

describe('a mail of git format-patch', () => {
  it.each([
    ['as it is', []],
    ['with --attach', ['--attach']],
    ['with --inline', ['--inline']],
    ['with --signoff and no signature', ['--signoff', '--no-signature']],
    ['with encoded headers', ['--encode-email-headers']],
    ['with headers as they are', ['--no-encode-email-headers']],
    ['with the author in the body', ['--from=Sender <sender@example.org>', '--force-in-body-from']],
    ['numbered', ['--numbered']],
  ])('%s', (_what, options) => {
    withCommit((folder) => {
      const [patch, ...rest] = read(folder.git('format-patch', '--stdout', ...options, '-1'));
      expect(rest).toEqual([]);
      expect(patch?.title).toBe('x86/größe: über alles — fix it');
      expect(patch?.author).toBe('Jürgen Tester <juergen@example.org>');
      const mail = folder.git('format-patch', '--stdout', ...options, '-1');
      expect(treeAfter(apply(mail, BEFORE), BEFORE)).toEqual(AFTER);
      expect(treeAfter(apply(mail.replaceAll('\n', '\r\n'), BEFORE), BEFORE)).toEqual(AFTER);
    });
  });

  it('says the commit that it was made for', () => {
    withCommit((folder) => {
      const base = folder.git('rev-parse', 'HEAD^').trim();
      expect(read(folder.git('format-patch', '--stdout', `--base=${base}`, '-1'))[0]?.baseCommit).toBe(base);
    });
  });

  it('keeps the bytes of a file that is not UTF-8, whatever its header says', () => {
    inFolder(true, (folder) => {
      const [before, after] = [{ 'x.c': 'a\n/* gr\xfcn */\nc\n' }, { 'x.c': 'a\n/* r\xf6t */\nc\n' }];
      folder.commit('before', before);
      folder.commit('größe', after);
      const mail = folder.git('format-patch', '--stdout', '-1');
      expect(mail).toContain('charset=UTF-8');
      expect(treeAfter(apply(mail, before), before)).toEqual(after);
    });
  });
});

describe('the body of a mail', () => {
  const quoted = (text: string): string =>
    text.replace(/[=\x80-\xff]/g, (character) => `=${character.charCodeAt(0).toString(16).toUpperCase()}`);
  const special = diffOf(
    'x.c',
    utf8('@@ -1,3 +1,3 @@\n a = b;\n-/* grün */\n+/* rötlich, and long enough that it has to be broken */\n c\n'),
  );
  const tree = { 'x.c': utf8('a = b;\n/* grün */\nc\n') };
  const result = { 'x.c': utf8('a = b;\n/* rötlich, and long enough that it has to be broken */\nc\n') };

  it('may be quoted-printable, with lines broken', () => {
    const body = quoted(special).replace('long enough', 'long =\nenough');
    const mail = plain(body, 'Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: quoted-printable');
    expect(treeAfter(apply(mail, tree), tree)).toEqual(result);
    expect(treeAfter(apply(mail.replaceAll('\n', '\r\n'), tree), tree)).toEqual(result);
  });

  it('may be base64, of lines that end in \\r\\n, too', () => {
    for (const text of [special, special.replaceAll('\n', '\r\n')]) {
      const body = Buffer.from(text, 'latin1').toString('base64').replace(/.{76}/g, '$&\n');
      const mail = plain(body, 'Content-Type: text/plain; charset="UTF-8"', 'Content-Transfer-Encoding: base64');
      expect(treeAfter(apply(mail, tree), tree)).toEqual(result);
    }
  });

  it('may be in another charset than the file', () => {
    const latin = special.replace(/\xc3(.)/g, (_whole, character: string) =>
      String.fromCharCode(character.charCodeAt(0) + 0x40),
    );
    expect(latin).toContain('gr\xfcn');
    const mail = plain(latin, 'Content-Type: text/plain; charset=iso-8859-1');
    expect(treeAfter(apply(mail, tree), tree)).toEqual(result);
  });

  it('may be UTF-8 while the file is Latin-1, and the other way: said as a remark', () => {
    const narrow = (text: string): string => Buffer.from(text, 'latin1').toString('utf8');
    const latinTree = { 'x.c': narrow(tree['x.c']) };
    const applied = apply(plain(special, 'Content-Type: text/plain; charset=utf-8'), latinTree);
    expect(treeAfter(applied, latinTree)).toEqual({ 'x.c': narrow(result['x.c']) });
    expect(applied.remarks.map(({ rule }) => rule)).toEqual(['patch-encoding']);
    const raw = apply(plain(narrow(special)), tree);
    expect(treeAfter(raw, tree)).toEqual(result);
    expect(raw.remarks.map(({ rule }) => rule)).toEqual(['patch-encoding']);
  });

  it('may be of parts: HTML is passed over, footers are not taken for lines', () => {
    const part = (type: string, body: string): string => `--=_b\nContent-Type: ${type}\n\n${body}\n`;
    const html = '<pre>--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-z\n+y\n</pre>';
    const inner = `--=_i\nContent-Type: text/plain\n\n${DIFF}\n--=_i\nContent-Type: text/html\n\n${html}\n--=_i--\n`;
    const body = part('multipart/alternative; boundary="=_i"', inner) + part('text/plain', '____\nlist footer');
    const mail = plain(
      `preamble\n${body}--=_b--\nepilogue\n${DIFF}`,
      'Content-Type: multipart/mixed;\n boundary="=_b"',
    );
    expect(treeAfter(apply(mail, X), X)).toEqual({ 'x.c': 'a\nB\nc\n' });
  });

  it('may begin with the commit’s own sender and subject', () => {
    const [patch] = read(plain(`From: Other <o@example.org>\nSubject: own title\n\nWhy.\n---\n${DIFF}`));
    expect(patch).toMatchObject({ title: 'own title', author: 'Other <o@example.org>' });
  });

  it('says line numbers of the file where it is not encoded', () => {
    const broken = plain(`text\n${DIFF.replace(' c\n', 'c\n')}`);
    expect(problemsOf(broken)[0]).toMatchObject({
      rule: 'patch-damaged',
      message: expect.stringContaining(`test.patch:${broken.split('\n').indexOf('c') + 1}: `),
    });
    const [file] = read(plain(`text\n${DIFF}`))[0]?.files ?? [];
    expect([file?.line, file?.hunks[0]?.line]).toEqual([5, 7]);
  });

  it('is refused where it is format=flowed and was changed by it', () => {
    const flowed = 'Content-Type: text/plain; charset=utf-8; format=flowed';
    const [problem] = problemsOf(plain(DIFF.replace(/^ /gm, '  '), flowed));
    expect(problem?.rule).toBe('format-flowed');
    expect(problem?.message).toContain('format=flowed');
    expect(problemsOf(plain(DIFF.replace(' c\n', 'c\n'), flowed)).map(({ rule }) => rule)).toEqual(['format-flowed']);
    // A sender that did not keep to the RFC: one blank before a context line is what a patch has.
    expect(treeAfter(apply(plain(DIFF, flowed), X), X)).toEqual({ 'x.c': 'a\nB\nc\n' });
  });
});

describe('attachments', () => {
  const attached = (...parts: readonly (readonly [string, string])[]): string => {
    const body = parts.map(
      ([name, text]) =>
        `--b\nContent-Type: application/octet-stream; name="${name}"\nContent-Disposition: attachment; filename="${name}"\nContent-Transfer-Encoding: base64\n\n${Buffer.from(text).toString('base64')}\n`,
    );
    return plain(
      `--b\nContent-Type: text/plain\n\nSee there.\n${body.join('')}--b--\n`,
      'Content-Type: multipart/mixed; boundary=b',
    );
  };
  const second = diffOf('x.c', '@@ -1,3 +1,3 @@\n a\n-B\n+BB\n c\n');

  it('that git numbered are patches of their own, with their own titles', () => {
    const own = `From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nFrom: B <b@example.org>\nSubject: [PATCH 1/2] one\n\n---\n${DIFF}`;
    const mail = attached(['0001-one.patch', own], ['0002-two.patch', second]);
    expect(read(mail).map(({ title, author }) => [title, author])).toEqual([
      ['one', 'B <b@example.org>'],
      ['title', 'A <a@example.org>'],
    ]);
    expect(treeAfter(apply(mail, X), X)).toEqual({ 'x.c': 'a\nBB\nc\n' });
  });

  it('of which it is not clear which is meant are refused', () => {
    const [problem] = problemsOf(attached(['xsa1-4.17.patch', DIFF], ['xsa1-4.18.patch', second]));
    expect(problem?.rule).toBe('several-attachments');
    expect(problem?.message).toContain('xsa1-4.17.patch, xsa1-4.18.patch');
  });

  it('that are something else are passed over', () => {
    expect(read(attached(['fix.patch', DIFF], ['screen.png', 'x']))).toHaveLength(1);
  });
});

import { describe, expect, it } from 'vitest';
import { readPatches } from '../../../src/builder/patches/index.ts';
import { bytes, inFolder } from './git.ts';
import { apply, changed, diffOf, problemsOf, read, SOURCE, treeAfter } from './support.ts';

const HUNK = '@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n';

describe('a diff', () => {
  it('of git holds renames, copies, new and removed files, modes and lines without a newline', () => {
    inFolder(true, (folder) => {
      const tree = {
        'xen/common/a.c': SOURCE,
        'xen/common/b.c': 'gone\n',
        'xen/common/c.c': 'no newline',
        'xen/tools/run.sh': 'echo\n',
        'xen/common/sp ace.c': SOURCE,
        'xen/common/ü.c': 'x\ny\n',
      };
      folder.commit('before', tree);
      folder.git('mv', 'xen/common/a.c', 'xen/common/renamed.c');
      folder.run('chmod', '+x', 'xen/tools/run.sh');
      folder.run('rm', 'xen/common/b.c');
      folder.write({
        'xen/common/renamed.c': changed({ 30: 'other\n' }),
        'xen/common/copy.c': changed({ 3: 'copied\n' }),
        'xen/common/c.c': 'no newline\nmore',
        'xen/common/new.c': 'int x;\n',
        'xen/common/empty.h': '',
        'xen/common/sp ace.c': changed({ 5: 'spaced\n' }),
        'xen/common/ü.c': 'x\nz\n',
      });
      folder.git('add', '-A');
      const diff = folder.git('diff', '--cached', '-M', '-C', '--find-copies-harder');
      const [patch] = read(diff, 'dir/all.diff');
      expect(patch?.title).toBe('all.diff');
      const kinds = Object.fromEntries((patch?.files ?? []).map((file) => [file.to ?? file.from, file.kind]));
      expect(kinds).toEqual({
        'xen/common/b.c': 'delete',
        'xen/common/c.c': 'change',
        'xen/common/copy.c': 'copy',
        'xen/common/empty.h': 'new',
        'xen/common/new.c': 'new',
        'xen/common/renamed.c': 'rename',
        'xen/common/sp ace.c': 'change',
        'xen/common/ü.c': 'change',
        'xen/tools/run.sh': 'change',
      });
      const applied = apply(diff, tree);
      expect(applied.remarks.map(({ rule, where }) => [rule, where.file])).toEqual([
        ['patch-mode', 'xen/tools/run.sh'],
      ]);
      const after = treeAfter(applied, tree);
      expect(after['xen/common/c.c']).toBe('no newline\nmore');
      expect(after['xen/common/ü.c']).toBe('x\nz\n');
      expect(after['xen/common/empty.h']).toBe('');
      expect(after).not.toHaveProperty(['xen/common/b.c']);
      expect(after).not.toHaveProperty(['xen/common/a.c']);
      for (const name of ['renamed.c', 'copy.c', 'new.c', 'sp ace.c']) {
        expect(after[`xen/common/${name}`], name).toBe(folder.read(`xen/common/${name}`));
      }
    });
  });

  it('of diff -Naur is read, with times, new and removed files', () => {
    inFolder(false, (folder) => {
      folder.write({ 'orig/common/x.c': SOURCE, 'orig/common/old.c': 'a\n' });
      folder.write({ 'new/common/x.c': changed({ 1: 'one\n', 50: 'fifty\n' }), 'new/common/fresh.c': 'b\n' });
      expect(folder.succeeds('sh', '-c', 'diff -Naur orig new > the.patch')).toBe(false);
      const tree = { 'xen/common/x.c': SOURCE, 'xen/common/old.c': 'a\n' };
      expect(treeAfter(apply(folder.read('the.patch'), tree), tree)).toEqual({
        'xen/common/x.c': folder.read('new/common/x.c'),
        'xen/common/fresh.c': 'b\n',
      });
    });
  });

  it('may stand in prose, be without index lines, and have lost the blank of an empty line', () => {
    const text = `Fix it.\n\n${diffOf('x.c', '@@ -1,4 +1,4 @@ int f(void)\n a\n\n-b\n+B\n c\n')}\nSigned-off-by: X <x@example.org>\n`;
    expect(treeAfter(apply(text, { 'x.c': 'a\n\nb\nc\n' }), {})).toEqual({ 'x.c': 'a\n\nB\nc\n' });
  });

  it('that was saved with \\r\\n is read as if it had not been; one of a file that has it keeps it', () => {
    const text = diffOf('x.c', HUNK);
    expect(treeAfter(apply(text.replaceAll('\n', '\r\n'), { 'x.c': 'a\nb\nc\n' }), {})).toEqual({ 'x.c': 'a\nB\nc\n' });
    const dos = diffOf('x.c', HUNK.replace(/^([ +-].*)$/gm, '$1\r'));
    expect(treeAfter(apply(dos, { 'x.c': 'a\r\nb\r\nc\r\n' }), {})).toEqual({ 'x.c': 'a\r\nB\r\nc\r\n' });
  });

  it('keeps lines that look like its own marks', () => {
    const text = diffOf('x.c', '@@ -1,4 +1,4 @@\n a\n--- b/y\n-- \n+++ c/y\n+-- \n d\n');
    expect(treeAfter(apply(text, { 'x.c': 'a\n-- b/y\n- \nd\n' }), {})).toEqual({ 'x.c': 'a\n++ c/y\n-- \nd\n' });
  });
});

const GIT = 'diff --git a/x.c b/x.c\n';

describe('a diff is refused', () => {
  it.each([
    [
      'patch-binary',
      'that changes a binary file',
      `${GIT}index 1234567..89abcde 100644\nBinary files a/x.c and b/x.c differ\n`,
    ],
    ['patch-binary', 'with a binary patch', `${GIT}index 1234567..89abcde 100644\nGIT binary patch\nliteral 3\nKcmZ\n`],
    ['patch-binary', 'of diff with a binary file', 'Binary files a/x.o and b/x.o differ\n'],
    ['combined-diff', 'that is of a merge', 'diff --cc x.c\nindex 1,2..3\n--- a/x.c\n+++ b/x.c\n@@@ -1 -1 +1 @@@\n'],
    [
      'patch-special-file',
      'that makes a symbolic link',
      `${GIT}new file mode 120000\n--- /dev/null\n+++ b/x.c\n@@ -0,0 +1 @@\n+y\n`,
    ],
    ['patch-special-file', 'that changes a submodule', `${GIT}old mode 160000\nnew mode 100644\n`],
    ['patch-path', 'that leaves the tree', diffOf('../x.c', HUNK)],
    ['patch-path', 'that leaves the tree further in', diffOf('common/../../x.c', HUNK)],
    ['patch-path', 'with an absolute path', `--- /etc/x.c\n+++ /etc/x.c\n${HUNK}`],
    ['patch-path', 'with an absolute path behind the first folder', `--- a/c:/x.c\n+++ a/c:/x.c\n${HUNK}`],
    ['patch-path', 'with a backslash', diffOf('..\\x.c', HUNK)],
    ['patch-path', 'in the repository itself', diffOf('.git/config', HUNK)],
    ['patch-path', 'without a folder to drop', `--- x.c\n+++ x.c\n${HUNK}`],
    ['patch-path', 'with a quoted control character', `--- "a/\\033x.c"\n+++ "b/\\033x.c"\n${HUNK}`],
    ['patch-path', 'that renames out of the tree', `${GIT}similarity index 100%\nrename from x.c\nrename to ../y.c\n`],
    ['patch-damaged', 'with /dev/null twice', `--- /dev/null\n+++ /dev/null\n@@ -0,0 +1 @@\n+x\n`],
    ['patch-damaged', 'that ends within a hunk', diffOf('x.c', '@@ -1,3 +1,3 @@\n a\n-b\n+B\n')],
    ['patch-damaged', 'with a wrapped line', diffOf('x.c', '@@ -1,3 +1,3 @@\n a\n-b long\nline\n+B\n c\n')],
    ['patch-damaged', 'with more lines than counted', diffOf('x.c', '@@ -1,2 +1,2 @@\n a\n-b\n+B\n+C\n')],
    ['patch-damaged', 'with more old lines than counted', diffOf('x.c', '@@ -1,1 +1,2 @@\n-b\n-c\n+B\n+C\n')],
    ['patch-damaged', 'with a bad header', diffOf('x.c', '@@ -1,x +1,2 @@\n a\n')],
    [
      'patch-damaged',
      'whose first line is about a newline',
      diffOf('x.c', '@@ -1,2 +1,2 @@\n\\ No newline at end of file\n a\n b\n'),
    ],
    ['patch-damaged', 'that is a hunk alone', HUNK],
    ['no-patch', 'that is none', 'int main(void);\n'],
    ['no-patch', 'that is empty', ''],
    ['no-patch', 'that is an object file', '\x7fELF\0\0'],
  ])('(%s) %s', (code, _what, text) => {
    const problems = problemsOf(text);
    expect(problems.map((problem) => problem.rule)).toEqual([code]);
    expect(problems[0]?.message).toMatch(/^test\.patch/);
    expect(readPatches(bytes(text), 'test.patch').patches).toEqual([]);
  });

  it('and told where: file, line, hunk', () => {
    const [problem] = problemsOf(
      `prose\n${diffOf('common/x.c', '@@ -1,3 +1,3 @@ int f\n a\n-b long\nline\n+B\n c\n')}`,
    );
    expect(problem?.where).toEqual({ file: 'common/x.c' });
    expect(problem?.message).toBe(
      'test.patch:7: A line of the hunk does not start with a blank, + or -: line (in common/x.c, @@ -1,3 +1,3 @@ int f)',
    );
    expect(problem?.advice).toMatch(/wrapped lines/);
  });
});

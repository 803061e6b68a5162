import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { change, miniTree, testFolder } from './mini-tree.ts';
import { bigger, pairs } from './pair-support.ts';

describe('problems instead of objects', () => {
  test('a build that does not match the sources: the differences', async () => {
    const tree = miniTree();
    const limits = join(tree.xen, 'include/xen/limits.h');
    writeFileSync(limits, readFileSync(limits, 'latin1').replace('17', '99'));
    const found = await pairs(tree, [bigger(tree)]);
    expect(found.pairs).toEqual([]);
    expect(found.problems).toEqual([
      {
        rule: 'compile-failed',
        severity: 'error',
        where: { file: 'common/domctl.o' },
        message: expect.stringMatching(
          /common\/domctl\.o is not what its source gives.*both are from GCC.*bytes of \.text\./,
        ),
        advice: expect.stringContaining('build the tree again'),
      },
    ]);
  });

  test('a compiler that is not the one of the build', async () => {
    const tree = miniTree();
    const file = join(tree.xen, 'common/domctl.o');
    const comment = join(testFolder(), 'comment');
    writeFileSync(comment, '\0GCC: (Other) 9.9.9\0');
    execFileSync('objcopy', [`--update-section=.comment=${comment}`, file]);
    expect((await pairs(tree, [bigger(tree)])).pairs).toHaveLength(1);
    const xenSyms = new Uint8Array(readFileSync(file));
    const found = await pairs(tree, [bigger(tree)], { xenSyms });
    expect(found.problems).toEqual([
      expect.objectContaining({
        message: expect.stringContaining('xen-syms by GCC: (Other) 9.9.9'),
        advice: expect.stringContaining('very compiler'),
      }),
    ]);
  });

  test('code that does not compile: where, and what the compiler says', async () => {
    const tree = miniTree();
    const found = await pairs(tree, [change(tree, 'xen/common/domctl.c', (text) => text.replace('x > 5', 'y > 5'))]);
    const [problem] = found.problems;
    expect(problem?.message).toContain('common/domctl.o does not compile with the patch at common/domctl.c:8:');
    expect(problem?.message).toMatch(/error: .y. undeclared/);
    expect(problem?.message.split('\n').length).toBeLessThan(9);
    expect(problem?.message).not.toContain('/xsplice-tree-');
  });

  test('a linker script that would change', async () => {
    const tree = miniTree();
    const found = await pairs(tree, [change(tree, 'xen/include/xen/limits.h', (text) => text.replace('17', '18'))]);
    expect(found.problems).toEqual([
      expect.objectContaining({ where: { file: 'arch/x86/xen.lds' }, message: expect.stringContaining('changes') }),
    ]);
    const other = await pairs(tree, [
      change(tree, 'xen/include/xen/limits.h', (text) => text.replace('OTHER 3', 'OTHER 4')),
    ]);
    expect(other.problems).toEqual([]);
    expect(other.pairs.map(({ object }) => object)).toEqual(['arch/x86/efi/runtime.o']);
  });

  test.each(['../outside.c', '/etc/outside.c', 'xen/../../outside.c'])(
    'a path that leads out of the tree: %s',
    async (path) => {
      const tree = miniTree();
      const run = pairs(tree, [bigger(tree), { path, before: null, after: 'int x;' }]);
      await expect(run).rejects.toMatchObject({
        code: 'EUSAGE',
        message: expect.stringContaining('is outside of the source tree'),
      });
    },
  );

  test('a compiler that is not installed, with its package', async () => {
    const tree = miniTree();
    const file = join(tree.xen, 'common/.domctl.o.cmd');
    writeFileSync(file, readFileSync(file, 'latin1').replace(':= gcc', ':= aarch64-linux-gnu-gcc'));
    const env = { ...tree.env, PATH: testFolder() };
    await expect(pairs(tree, [bigger(tree)], { env })).rejects.toMatchObject({
      code: 'ETOOL',
      message: expect.stringContaining('aarch64-linux-gnu-gcc'),
      hint: expect.stringContaining('gcc-aarch64-linux-gnu binutils-aarch64-linux-gnu'),
    });
  });

  test('a signal stops everything, including compilers', async () => {
    const tree = miniTree();
    const folder = testFolder();
    mkdirSync(join(folder, 'bin'));
    writeFileSync(join(folder, 'bin/gcc'), `#!/bin/sh\necho $$ > ${folder}/pid\nexec sleep 60\n`);
    chmodSync(join(folder, 'bin/gcc'), 0o755);
    const stop = new AbortController();
    const env = { ...tree.env, PATH: `${folder}/bin:${tree.env['PATH']}`, TMPDIR: folder };
    const run = pairs(tree, [bigger(tree)], { env, signal: stop.signal });
    const settled = expect(run).rejects.toMatchObject({
      code: 'ETOOL',
      message: expect.stringContaining('interrupted'),
    });
    while (!existsSync(join(folder, 'pid')) || readFileSync(join(folder, 'pid'), 'utf8') === '') {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    stop.abort();
    await settled;
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(readdirSync(folder).filter((name) => name.startsWith('xsplice-tree-'))).toEqual([]);
  });
});

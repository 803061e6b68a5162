import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { TreeChange } from '../../../src/build/tree/change.ts';
import { compileCommands } from '../../../src/build/tree/commands.ts';
import { type CompileOptions, compilePairs } from '../../../src/build/tree/compile-pairs.ts';
import { fileSymbolOf, objectDifferences } from '../../../src/build/tree/same-object.ts';
import { openTree } from '../../../src/build/tree/source-tree.ts';
import { readElf } from '../../../src/elf/index.ts';
import { change, type MiniTree, miniTree, testFolder } from './mini-tree.ts';

function pairs(tree: MiniTree, changes: readonly TreeChange[], options: Partial<CompileOptions> = {}) {
  const opened = openTree(tree.top);
  return compilePairs(opened, compileCommands(opened), changes, { env: tree.env, jobs: 2, ...options });
}

/** All files of the tree with their times and contents. */
function snapshot(folder: string): string {
  const lines = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const stat = statSync(join(folder, name));
      return `${name} ${stat.mtimeMs} ${stat.isFile() ? readFileSync(join(folder, name), 'latin1') : ''}`;
    });
  return lines.join('\n');
}

const section = (bytes: Uint8Array | null | undefined, name: string): string => {
  const file = bytes == null ? undefined : readElf(bytes);
  return file?.kind === 'elf' ? Buffer.from(file.section(name)?.data() ?? []).toString('latin1') : 'no ELF file';
};

/** A program of that name that writes a line for each call, before the real one is called. */
function logged(tree: MiniTree, program: string) {
  const folder = testFolder();
  const log = join(folder, 'log');
  const real = execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
  writeFileSync(join(folder, program), `#!/bin/sh\necho "$*" >> ${log}\nexec ${real} "$@"\n`);
  chmodSync(join(folder, program), 0o755);
  const calls = () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []);
  return { env: { ...tree.env, PATH: `${folder}:${tree.env['PATH']}` }, calls };
}

const bigger = (tree: MiniTree) => change(tree, 'xen/common/domctl.c', (text) => text.replace('x > 5', 'x > 6'));

describe('objects before and after a change', () => {
  test('one source: its object, compiled twice, and the tree as it was', async () => {
    const tree = miniTree();
    const before = snapshot(tree.top);
    const found = await pairs(tree, [bigger(tree)]);
    expect(found.problems).toEqual([]);
    expect(found.pairs.map(({ object }) => object)).toEqual(['common/domctl.o']);
    const [pair] = found.pairs;
    const kept = readFileSync(join(tree.xen, 'common/domctl.o'));
    expect(objectDifferences(pair?.orig as Uint8Array, new Uint8Array(kept))).toEqual([]);
    expect(objectDifferences(pair?.patched as Uint8Array, new Uint8Array(kept))).toEqual([
      'the bytes of .text.do_domctl',
    ]);
    expect(fileSymbolOf(pair?.patched as Uint8Array)).toBe('common/domctl.c');
    expect(snapshot(tree.top)).toBe(before);
  });

  test('__FILE__ stays what it is, and debug data names files from the top', async () => {
    const tree = miniTree();
    const [pair] = (await pairs(tree, [bigger(tree)])).pairs;
    for (const bytes of [pair?.orig, pair?.patched]) {
      expect(section(bytes, '.rodata.do_domctl.str1.1') + section(bytes, '.rodata.str1.1')).toContain(
        'common/domctl.c\0',
      );
      const file = join(testFolder(), 'o');
      writeFileSync(file, bytes as Uint8Array);
      const info = execFileSync('readelf', ['--debug-dump=info', file], { encoding: 'utf8' });
      expect(/DW_AT_comp_dir.*: (\S+)$/m.exec(info)?.[1]).toBe('xen');
      expect(/DW_AT_name.*: (\S*domctl.c)$/m.exec(info)?.[1]).toBe('common/domctl.c');
      expect(readFileSync(file, 'latin1')).not.toContain('xsplice-tree');
    }
  });

  test('the same bytes each time, wherever the working copy is', async () => {
    const tree = miniTree();
    const first = await pairs(tree, [bigger(tree)]);
    const second = await pairs(tree, [bigger(tree)], {
      env: { ...tree.env, XSPLICE_CACHE: testFolder(), TMPDIR: testFolder() },
    });
    expect(second.pairs).toEqual(first.pairs);
  });

  test('without debug data where it is not wanted', async () => {
    const tree = miniTree();
    const [pair] = (await pairs(tree, [bigger(tree)], { debugInfo: false })).pairs;
    expect(section(pair?.patched, '.debug_info')).toBe('');
    expect(section((await pairs(tree, [bigger(tree)])).pairs[0]?.patched, '.debug_info')).not.toBe('');
  });

  test('a header: only objects that it changes, found by the preprocessor', async () => {
    const tree = miniTree();
    const { env, calls } = logged(tree, 'gcc');
    const edit = change(tree, 'xen/include/xen/twice.h', (text) => text.replace('* 2', '* 3'));
    const seen: string[] = [];
    const found = await pairs(tree, [edit], {
      env,
      progress: ({ object, done, total }) => seen.push(`${object} ${done}/${total}`),
    });
    expect(found.pairs.map(({ object }) => object)).toEqual(['common/kernel.o']);
    expect(found.affected).toBe(4);
    expect(seen.map((line) => line.replace(/.* /, ''))).toEqual(['1/4', '2/4', '3/4', '4/4']);
    // Of kernel.o: without debug data to see whether it changes, then both versions.
    expect(calls().filter((line) => line.includes(' -c '))).toHaveLength(3);
    expect(calls().filter((line) => line.includes(' -E '))).toHaveLength(8);
  });

  test('a header that was included through a folder with ..', async () => {
    const tree = miniTree();
    const edit = change(tree, 'xen/include/xen/twice.h', (text) => text.replace('* 2', '* 7'));
    const [pair] = (await pairs(tree, [edit])).pairs;
    expect(section(pair?.patched, '.text.do_kernel')).not.toBe(section(pair?.orig, '.text.do_kernel'));
  });

  test('what compiles to the same is no pair', async () => {
    const tree = miniTree();
    const edit = change(tree, 'xen/common/kernel.c', (text) => text.replace('TWICE(x) +', '(TWICE(x)) +'));
    const found = await pairs(tree, [edit]);
    expect(found).toMatchObject({ pairs: [], problems: [], affected: 1 });
  });

  test('lines that #line keeps in their places are no change', async () => {
    const tree = miniTree();
    const edit = change(tree, 'xen/common/domctl.c', (text) =>
      text.replace('int do_domctl', '\n\n#line 6\nint do_domctl'),
    );
    expect((await pairs(tree, [edit])).pairs).toEqual([]);
    const moved = change(tree, 'xen/common/domctl.c', (text) => text.replace('int do_domctl', '\n\nint do_domctl'));
    expect((await pairs(tree, [moved])).pairs).toHaveLength(1);
  });

  test('a new source, and one that is gone', async () => {
    const tree = miniTree();
    const found = await pairs(tree, [
      { path: 'xen/common/fresh.c', before: null, after: '#include <xen/lib.h>\nint fresh(void) { return LIMIT; }\n' },
      { ...change(tree, 'xen/common/kernel.c', () => ''), after: null },
      change(tree, 'xen/common/Makefile', (text) => text.replace('kernel.o', 'fresh.o')),
    ]);
    expect(found.problems).toEqual([]);
    expect(found.pairs.map(({ object, orig, patched }) => [object, orig !== null, patched !== null])).toEqual([
      ['common/fresh.o', false, true],
      ['common/kernel.o', true, false],
    ]);
    expect(fileSymbolOf(found.pairs[0]?.patched as Uint8Array)).toBe('common/fresh.c');
  });

  test('assembly, by its own change and by offsets of structures that C has', async () => {
    const tree = miniTree();
    const entry = change(tree, 'xen/arch/x86/entry.S', (text) => text.replace('ret', 'nop; ret'));
    expect((await pairs(tree, [entry])).pairs.map(({ object }) => object)).toEqual(['arch/x86/entry.o']);
    const before = snapshot(tree.top);
    const layout = change(tree, 'xen/include/xen/lib.h', (text) => text.replace('long a; int b;', 'long a, c; int b;'));
    const found = await pairs(tree, [layout]);
    expect(found.problems).toEqual([]);
    expect(found.pairs.map(({ object }) => object)).toEqual(['arch/x86/entry.o']);
    expect(Buffer.from(section(found.pairs[0]?.patched, '.text'), 'latin1').readUInt32LE(1)).toBe(16);
    expect(snapshot(tree.top)).toBe(before);
  });

  test('a text before the change that is not the one on disk', async () => {
    const tree = miniTree();
    const { path, before, after } = bigger(tree);
    writeFileSync(join(tree.top, path), 'int something_else;\n');
    const [pair] = (await pairs(tree, [{ path, before, after }])).pairs;
    const kept = new Uint8Array(readFileSync(join(tree.xen, 'common/domctl.o')));
    expect(objectDifferences(pair?.orig as Uint8Array, kept)).toEqual([]);
  });
});

describe('what was compiled once', () => {
  test('is not compiled again, until something that it was made from changes', async () => {
    const tree = miniTree();
    const { env, calls } = logged(tree, 'gcc');
    const first = await pairs(tree, [bigger(tree)], { env });
    const count = calls().length;
    expect(count).toBe(2);
    expect((await pairs(tree, [bigger(tree)], { env })).pairs).toEqual(first.pairs);
    expect(calls().length).toBe(count);
    const other = change(tree, 'xen/common/domctl.c', (text) => text.replace('x > 5', 'x > 7'));
    const third = await pairs(tree, [other], { env });
    expect(calls().length).toBe(count + 2);
    expect(third.pairs[0]?.patched).not.toEqual(first.pairs[0]?.patched);
  });

  test('a header that nothing of is used: neither objects, nor offsets, nor the linker script again', async () => {
    const tree = miniTree();
    const { env, calls } = logged(tree, 'gcc');
    const edit = change(tree, 'xen/include/xen/limits.h', (text) => `${text}#define UNUSED 1\n`);
    expect((await pairs(tree, [edit], { env })).affected).toBe(4);
    const count = calls().length;
    expect(count).toBe(4 * 2 + 2 + 2);
    expect(await pairs(tree, [edit], { env })).toMatchObject({ pairs: [], problems: [], affected: 4 });
    expect(calls().length).toBe(count);
    const other = change(tree, 'xen/include/xen/limits.h', (text) => `${text}#define UNUSED 2\n`);
    await pairs(tree, [other], { env });
    expect(calls().length).toBe(2 * count);
  });

  test('a damaged entry is made again', async () => {
    const tree = miniTree();
    const first = await pairs(tree, [bigger(tree)]);
    const folder = join(tree.env['XSPLICE_CACHE'] as string, 'compiled-1');
    const [name] = readdirSync(folder);
    const file = join(folder, name as string);
    writeFileSync(file, readFileSync(file).subarray(0, 5000));
    expect((await pairs(tree, [bigger(tree)])).pairs).toEqual(first.pairs);
  });

  test('a cache that cannot be used costs nothing but time', async () => {
    const tree = miniTree();
    const file = join(testFolder(), 'file');
    writeFileSync(file, '');
    expect(
      (await pairs(tree, [bigger(tree)], { env: { ...tree.env, XSPLICE_CACHE: join(file, 'x') } })).pairs,
    ).toHaveLength(1);
  });
});

describe('what is told instead', () => {
  test('a build that the sources do not give: what differs', async () => {
    const tree = miniTree();
    const limits = join(tree.xen, 'include/xen/limits.h');
    writeFileSync(limits, readFileSync(limits, 'latin1').replace('17', '99'));
    const found = await pairs(tree, [bigger(tree)]);
    expect(found.pairs).toEqual([]);
    expect(found.problems).toEqual([
      {
        object: 'common/domctl.o',
        symbol: null,
        reason: expect.stringMatching(
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
        reason: expect.stringContaining('xen-syms by GCC: (Other) 9.9.9'),
        advice: expect.stringContaining('very compiler'),
      }),
    ]);
  });

  test('code that does not compile: where, and what the compiler says', async () => {
    const tree = miniTree();
    const found = await pairs(tree, [change(tree, 'xen/common/domctl.c', (text) => text.replace('x > 5', 'y > 5'))]);
    const [problem] = found.problems;
    expect(problem?.reason).toContain('common/domctl.o does not compile with the patch at common/domctl.c:8:');
    expect(problem?.reason).toMatch(/error: .y. undeclared/);
    expect(problem?.reason.split('\n').length).toBeLessThan(9);
    expect(problem?.reason).not.toContain('/xsplice-tree-');
  });

  test('a linker script that would change', async () => {
    const tree = miniTree();
    const found = await pairs(tree, [change(tree, 'xen/include/xen/limits.h', (text) => text.replace('17', '18'))]);
    expect(found.problems).toEqual([
      expect.objectContaining({ object: 'arch/x86/xen.lds', reason: expect.stringContaining('changes') }),
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
        message: expect.stringContaining('leads out of the tree'),
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

  test('a signal ends it, compilers included', async () => {
    const tree = miniTree();
    const folder = testFolder();
    mkdirSync(join(folder, 'bin'));
    writeFileSync(join(folder, 'bin/gcc'), `#!/bin/sh\necho $$ > ${folder}/pid\nexec sleep 60\n`);
    chmodSync(join(folder, 'bin/gcc'), 0o755);
    const stop = new AbortController();
    const env = { ...tree.env, PATH: `${folder}/bin:${tree.env['PATH']}`, TMPDIR: folder };
    const run = pairs(tree, [bigger(tree)], { env, signal: stop.signal });
    const settled = expect(run).rejects.toMatchObject({ code: 'ETOOL', message: expect.stringContaining('stopped') });
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

describe('a build without a section for each function', () => {
  test('is held against the build as it is, and compiled with sections', async () => {
    const tree = miniTree({}, ['-fno-function-sections', '-fno-data-sections']);
    for (const name of ['domctl', 'kernel']) {
      const file = join(tree.xen, `common/.${name}.o.cmd`);
      const text = readFileSync(file, 'latin1').replace(/ -f(?:no-)?(?:function|data)-sections/g, '');
      writeFileSync(file, text);
    }
    const found = await pairs(tree, [bigger(tree)]);
    expect(found.problems).toEqual([]);
    expect(found.remarks).toEqual([
      expect.objectContaining({ text: expect.stringContaining('without a section for each function') }),
    ]);
    expect(section(found.pairs[0]?.patched, '.text.do_domctl')).not.toBe('');
  });
});

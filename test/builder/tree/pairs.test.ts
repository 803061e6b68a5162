import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compileCommands } from '../../../src/builder/tree/commands.ts';
import { compilePairs } from '../../../src/builder/tree/compile-pairs.ts';
import { fileSymbolOf, objectDifferences } from '../../../src/builder/tree/same-object.ts';
import { openTree } from '../../../src/builder/tree/source-tree.ts';
import { change, miniOutOfTree, miniTree, testFolder } from './mini-tree.ts';
import { bigger, logged, pairs, section, snapshot } from './pair-support.ts';

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

  test('without debug data on request', async () => {
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

  test('a header that the assembler includes, which the preprocessor does not see', async () => {
    // To C it is one line that has the assembler read the file, which skips what is for C, and takes # for comments.
    const forC = '# if 0\n.if 0\n# endif\nasm ( ".include \\"xen/thunk.h\\"" );\n# if 0\n.endif\n# endif\n';
    const thunk = `#ifndef __ASSEMBLY__\n${forC}#else\n.macro thunk\n nop\n.endm\n#endif\n`;
    const user = '#include <xen/thunk.h>\nint traps(void) { asm volatile ( "thunk" ); return 9; }\n';
    const files = { 'xen/include/xen/thunk.h': thunk, 'xen/arch/x86/traps.c': user };
    const tree = miniTree(files, ['-Wa,-I./include']);
    const edit = change(tree, 'xen/include/xen/thunk.h', (text) => text.replace(' nop', ' nop; nop'));
    const found = await pairs(tree, [edit]);
    expect(found.problems).toEqual([]);
    expect(found.pairs.map(({ object }) => object)).toEqual(['arch/x86/traps.o']);
  });

  test('an object that compiles to the same is not a pair', async () => {
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

describe('a compiled object', () => {
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

  test('is remade if its entry is damaged', async () => {
    const tree = miniTree();
    const first = await pairs(tree, [bigger(tree)]);
    const folder = join(tree.env['XSPLICE_CACHE'] as string, 'compiled-1');
    const [name] = readdirSync(folder);
    const file = join(folder, name as string);
    writeFileSync(file, readFileSync(file).subarray(0, 5000));
    expect((await pairs(tree, [bigger(tree)])).pairs).toEqual(first.pairs);
  });

  test('is compiled again if the cache is unusable', async () => {
    const tree = miniTree();
    const file = join(testFolder(), 'file');
    writeFileSync(file, '');
    expect(
      (await pairs(tree, [bigger(tree)], { env: { ...tree.env, XSPLICE_CACHE: join(file, 'x') } })).pairs,
    ).toHaveLength(1);
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
      expect.objectContaining({ message: expect.stringContaining('without a section for each function') }),
    ]);
    expect(section(found.pairs[0]?.patched, '.text.do_domctl')).not.toBe('');
  });
});

describe('a build in a folder of its own', () => {
  test('with absolute paths to its source', async () => {
    const { tree, out } = miniOutOfTree();
    const opened = openTree(out);
    expect(opened).toMatchObject({ source: tree.xen, objects: out, built: true });
    const commands = compileCommands(opened);
    const run = (edit: ReturnType<typeof change>) => compilePairs(opened, commands, [edit], { env: tree.env, jobs: 1 });
    const found = await run(bigger(tree));
    // That __FILE__ is the absolute path of the build is held against the kept object here.
    expect(found.problems).toEqual([]);
    expect(found.pairs.map(({ object }) => object)).toEqual(['common/domctl.o']);
    expect(Buffer.from(found.pairs[0]?.patched as Uint8Array).toString('latin1')).toContain(
      `${tree.xen}/common/domctl.c`,
    );
    const header = await run(change(tree, 'xen/include/xen/twice.h', (text) => text.replace('* 2', '* 3')));
    expect(header.problems).toEqual([]);
    expect(header.pairs.map(({ object }) => object)).toEqual(['common/kernel.o']);
  });
});

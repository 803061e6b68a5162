import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { builtTree } from '../../../src/builder/tree/built-tree.ts';
import { compilePairs } from '../../../src/builder/tree/compile-pairs.ts';
import { treeCommands } from '../../../src/builder/tree/listed-commands.ts';
import { MakeListing } from '../../../src/builder/tree/make-listing.ts';
import { buildRelation } from '../../../src/builder/tree/same-build.ts';
import { openTree } from '../../../src/builder/tree/source-tree.ts';
import { change, miniSources, miniTree, testFolder } from './mini-tree.ts';

const VERSION =
  'export XEN_VERSION = 4\nexport XEN_SUBVERSION = 14\nexport XEN_EXTRAVERSION ?= .6$(XEN_VENDORVERSION)\n';

/** Makefiles in the manner of 4.14: compilers run in the folders, with absolute paths, and leave no `.cmd` files. */
const OLD_BUILD = {
  'xen/Makefile': `${VERSION}BASEDIR := $(CURDIR)
export BASEDIR
.PHONY: build olddefconfig common
olddefconfig:
	@touch .config
build: xen-syms
common:
	$(MAKE) -f $(BASEDIR)/Rules.mk -C common built_in.o
prelink.o: common
	ld -r -o $@ $(BASEDIR)/common/built_in.o
xen-syms: prelink.o
	ld --build-id=sha1 -e 0 --unresolved-symbols=ignore-all -o $@ prelink.o
`,
  'xen/Rules.mk': `obj := domctl.o kernel.o
CFLAGS := -MMD -MP -O2 -std=gnu99 -nostdinc -fno-builtin -fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables
CFLAGS += -include $(BASEDIR)/include/xen/config.h -I$(BASEDIR)/include
built_in.o: $(obj)
	ld -r -o $@ $^
%.o: %.c
	$(CROSS_COMPILE)gcc $(CFLAGS) -MF $(@D)/.$(@F).d '-D__OBJECT_FILE__="$@"' -c $< -o $(@D)/.$(@F).tmp -MQ $@
	$(CROSS_COMPILE)objcopy --redefine-sym $(<F)=common/$< $(@D)/.$(@F).tmp $@
	rm -f $(@D)/.$(@F).tmp
`,
  'xen/include/xen/where.h': 'static inline const char *where(void) { return __FILE__; }\n',
  'xen/common/kernel.c': '#include <xen/where.h>\nconst char *do_kernel(int x) { return x > 5 ? where() : 0; }\n',
};

const built = () => {
  const tree = miniSources(OLD_BUILD);
  execFileSync('make', ['-s', 'build'], { cwd: tree.xen, env: { ...tree.env, MAKEFLAGS: undefined } });
  return tree;
};

describe('a build that keeps no commands', () => {
  test('is listed once by a dry run in a copy, and its objects match', async () => {
    const tree = built();
    const opened = openTree(tree.top);
    expect(opened).toMatchObject({ version: '4.14.6', built: true });
    const told: string[] = [];
    const options = { env: tree.env, progress: (text: string) => void told.push(text) };
    const commands = await treeCommands(opened, options);
    expect([...(commands.linked?.objects ?? [])].sort()).toEqual(['common/domctl.o', 'common/kernel.o']);
    expect(commands.objects.get('common/kernel.o')).toMatchObject({
      folder: 'common',
      source: 'kernel.c',
      renamed: true,
    });
    expect(commands.objects.get('common/kernel.o')?.args).toContain(`-I${tree.xen}/include`);
    expect(await treeCommands(opened, options)).toEqual(commands);
    expect(told).toEqual(['asks the build how it was compiled']);
    const edit = change(tree, 'xen/common/kernel.c', (text) => text.replace('x > 5', 'x > 6'));
    const found = await compilePairs(opened, commands, [edit], { env: tree.env, jobs: 1 });
    // That the absolute path in __FILE__ is the build's own is held against the kept object here.
    expect(found.problems).toEqual([]);
    expect(found.pairs.map(({ object }) => object)).toEqual(['common/kernel.o']);
    expect(Buffer.from(found.pairs[0]?.patched as Uint8Array).toString('latin1')).toContain(
      `${tree.xen}/include/xen/where.h`,
    );
    const header = change(tree, 'xen/include/xen/where.h', (text) => text.replace('__FILE__', '"x"'));
    const more = await compilePairs(opened, commands, [header], { env: tree.env, jobs: 1 });
    expect(more.pairs.map(({ object }) => object)).toEqual(['common/kernel.o']);
  });

  test('a tree that make lists nothing for', async () => {
    const tree = built();
    writeFileSync(join(tree.xen, 'Makefile'), `${VERSION}build:\n\techo nothing\n`);
    await expect(treeCommands(openTree(tree.top), { env: tree.env })).rejects.toMatchObject({
      code: 'ETOOL',
      message: expect.stringContaining('make lists no compilation'),
      hint: expect.stringContaining('4.15'),
    });
  });

  test('a signal ends it', async () => {
    const tree = built();
    writeFileSync(join(tree.xen, 'Makefile'), `${VERSION}X := $(shell sleep 60)\nbuild:\n`);
    const stop = new AbortController();
    const run = treeCommands(openTree(tree.top), { env: tree.env, signal: stop.signal });
    setTimeout(() => stop.abort(), 300);
    await expect(run).rejects.toThrow('interrupted');
  });

  test('programs of the build, and what lies elsewhere, are left out of the list', () => {
    const listing = new MakeListing('/b');
    for (const line of [
      "make: Entering directory '/b'",
      'gcc -c common/a.c -o common/a.o',
      "make[1]: Entering directory '/b/tools'",
      'gcc -c conf.c -o conf.o',
      "make[1]: Leaving directory '/b/tools'",
      "make[1]: Entering directory '/c'",
      'gcc -c d.c -o d.o',
      "make[1]: Leaving directory '/c'",
      "set -e; echo x; gcc -DA='b c' \\",
      '  -c e.S -o e.o; printf x > y',
      'gcc -fplugin=x -c f.c -o f.o',
    ]) {
      listing.line(line);
    }
    const { objects, notFollowed } = listing.commands();
    expect([...objects.keys()]).toEqual(['common/a.o', 'e.o']);
    expect(objects.get('e.o')?.args).toEqual(['-DA=b c', '-c', 'e.S', '-o', 'e.o']);
    expect([...notFollowed]).toEqual([['f.o', { reason: expect.stringContaining('-fplugin'), dependencies: ['f.c'] }]]);
  });
});

describe('a tree that was not built', () => {
  test('is built once, in the cache, with the given configuration; the tree stays as it is', {
    timeout: 60_000,
  }, async () => {
    const tree = miniSources(OLD_BUILD);
    const config = join(testFolder(), 'config');
    writeFileSync(config, 'CONFIG_X86_64=y\nCONFIG_LIVEPATCH=y\nCONFIG_MINE=y\n');
    const opened = openTree(tree.top, { config });
    const lines: string[] = [];
    const options = { env: tree.env, jobs: 2, progress: (line: string) => void lines.push(line) };
    const first = await builtTree(opened, options);
    expect(first.remarks).toEqual([]);
    expect(first.tree).toMatchObject({ built: true, arch: 'x86_64' });
    expect(first.tree.config.get('CONFIG_MINE')).toBe('y');
    expect(first.tree.top.startsWith(tree.env['XSPLICE_CACHE'] as string)).toBe(true);
    expect(existsSync(first.tree.xenSyms as string)).toBe(true);
    expect(readdirSync(tree.xen)).not.toContain('xen-syms');
    expect(readdirSync(join(tree.xen, 'common')).filter((name) => name.endsWith('.o'))).toEqual([]);
    const count = lines.length;
    expect(count).toBeGreaterThan(0);
    expect((await builtTree(opened, options)).tree.top).toBe(first.tree.top);
    expect(lines.length).toBe(count);
    writeFileSync(join(tree.xen, 'common/kernel.c'), 'int do_kernel(int x) { return x; }\n');
    expect((await builtTree(openTree(tree.top, { config }), options)).tree.top).not.toBe(first.tree.top);
  });

  test('one that has its objects is left as it is', async () => {
    const tree = miniTree();
    const opened = openTree(tree.top);
    expect((await builtTree(opened, { env: tree.env, jobs: 1 })).tree).toBe(opened);
  });

  test('one that does not build reports make’s errors, and leaves nothing', async () => {
    const tree = miniSources({ ...OLD_BUILD, 'xen/common/kernel.c': 'int broken(\n' });
    const run = builtTree(openTree(tree.top), { env: tree.env, jobs: 1 });
    await expect(run).rejects.toMatchObject({
      code: 'ETOOL',
      message: expect.stringMatching(/make failed:(?:.|\n)*kernel\.c/),
    });
    expect(readdirSync(tree.env['XSPLICE_CACHE'] as string)).toEqual([]);
  });

  test('without make there is a list of what is missing', async () => {
    const tree = miniSources(OLD_BUILD);
    const run = builtTree(openTree(tree.top), { env: { ...tree.env, PATH: testFolder() }, jobs: 1 });
    await expect(run).rejects.toMatchObject({ code: 'ETOOL', message: expect.stringContaining('make, flex, bison') });
  });
});

describe('the hypervisor that a tree gives, and the one to be patched', () => {
  const link = (source: string, ...options: string[]): Uint8Array => {
    const folder = testFolder();
    writeFileSync(join(folder, 'a.c'), source);
    execFileSync('gcc', ['-c', '-O2', 'a.c', '-o', 'a.o'], { cwd: folder });
    execFileSync('ld', ['-e', '0', ...options, '-o', 'xen-syms', 'a.o'], { cwd: folder });
    return new Uint8Array(readFileSync(join(folder, 'xen-syms')));
  };
  const one = 'int f(int x) { return x; } const char date[] = "1";';

  test('are one, alike, or different in functions that are named', () => {
    const own = link(one, '--build-id=sha1');
    expect(buildRelation(own, own)).toEqual({ kind: 'same' });
    expect(buildRelation(own, link(one.replace('"1"', '"2"'), '--build-id=sha1'))).toEqual({ kind: 'alike' });
    const other = link('int f(int x) { return x * x * x + 5; } int g(void) { return 1; }', '--build-id=sha1');
    expect(buildRelation(own, other)).toEqual({ kind: 'different', functions: ['f', 'g'], count: 2 });
    expect(buildRelation(own, new Uint8Array(4))).toEqual({ kind: 'different', functions: [], count: 0 });
  });

  test('another hypervisor is refused, a similar one gets a remark', async () => {
    const tree = built();
    const opened = openTree(tree.top);
    const syms = new Uint8Array(readFileSync(opened.xenSyms as string));
    const hold = (xenSyms: Uint8Array) => builtTree(opened, { env: tree.env, jobs: 1, xenSyms });
    expect((await hold(syms)).remarks).toEqual([]);
    await expect(hold(link(one))).rejects.toMatchObject({
      code: 'EUSAGE',
      message: expect.stringMatching(/another hypervisor .* functions differ: .*do_domctl/),
      hint: expect.stringContaining('.config'),
    });
    rmSync(join(tree.xen, 'prelink.o'));
    execFileSync('ld', ['-r', '-o', 'prelink.o', 'common/built_in.o'], { cwd: tree.xen });
    const again = ['--build-id=0x1234', '-e', '0', '--unresolved-symbols=ignore-all', '-o', 'other', 'prelink.o'];
    execFileSync('ld', again, { cwd: tree.xen });
    const { remarks } = await hold(new Uint8Array(readFileSync(join(tree.xen, 'other'))));
    expect(remarks).toEqual([
      expect.objectContaining({ message: expect.stringContaining('a rebuild of the same source') }),
    ]);
  });
});

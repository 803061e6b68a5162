import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { affectedObjects } from '../../../src/builder/tree/affected.ts';
import type { TreeChange } from '../../../src/builder/tree/change.ts';
import { compileCommands } from '../../../src/builder/tree/commands.ts';
import { openTree } from '../../../src/builder/tree/source-tree.ts';
import { change, type MiniTree, miniTree } from './mini-tree.ts';

function affected(tree: MiniTree, ...changes: TreeChange[]) {
  const opened = openTree(tree.top);
  return affectedObjects(opened, compileCommands(opened), changes);
}

const names = ({ objects }: ReturnType<typeof affected>) => objects.map(({ command }) => command.object);
const texts = ({ remarks }: ReturnType<typeof affected>) =>
  remarks.map(({ where, message }) => `${where.file}: ${message}`);

describe('what a build says about itself', () => {
  test('the objects of xen-syms, and those that are only for the boot', () => {
    const commands = compileCommands(openTree(miniTree().top));
    const linked = [
      'arch/x86/efi/runtime.o',
      'arch/x86/entry.o',
      'arch/x86/traps.o',
      'common/domctl.o',
      'common/kernel.o',
    ];
    expect([...(commands.linked?.objects ?? [])].sort()).toEqual(linked);
    expect([...(commands.linked?.init ?? [])]).toEqual(['common/early.o']);
    expect([...commands.objects.keys()].sort()).toEqual(
      [...linked.slice(0, 4), 'common/early.o', 'common/kernel.o'].sort(),
    );
    expect(commands.generated.map(({ object }) => object)).toEqual(['arch/x86/xen.lds']);
    expect(commands.objects.get('common/domctl.o')).toMatchObject({
      program: 'gcc',
      source: 'common/domctl.c',
      renamed: true,
    });
    expect(commands.objects.get('arch/x86/entry.o')?.renamed).toBe(false);
  });
});

describe('the objects that a change reaches', () => {
  test('a source: its object', () => {
    const tree = miniTree();
    const found = affected(
      tree,
      change(tree, 'xen/common/kernel.c', (text) => text.replace('[1]', '[2]')),
    );
    expect(found.problems).toEqual([]);
    expect(found.objects).toMatchObject([
      { command: { object: 'common/kernel.o' }, before: true, after: true, ownSource: true },
    ]);
  });

  test('a header: all that include it, even by a name with ..; boot code is skipped with a remark', () => {
    const tree = miniTree();
    const found = affected(
      tree,
      change(tree, 'xen/include/xen/twice.h', (text) => text.replace('* 2', '* 3')),
    );
    expect(names(found)).toEqual(['arch/x86/efi/runtime.o', 'arch/x86/traps.o', 'common/domctl.o', 'common/kernel.o']);
    expect(found.objects.every(({ ownSource }) => !ownSource)).toBe(true);
    expect(texts(found)).toEqual(['common/early.o: all of it is gone when a host has booted, so it is left out']);
  });

  test('a source that is compiled through a link', () => {
    const tree = miniTree();
    expect(
      names(
        affected(
          tree,
          change(tree, 'xen/common/efi/runtime.c', (text) => text.replace('OTHER', '8')),
        ),
      ),
    ).toEqual(['arch/x86/efi/runtime.o']);
  });

  test('comments only: none', () => {
    const tree = miniTree();
    const found = affected(
      tree,
      change(tree, 'xen/include/xen/lib.h', (text) => text.replace('all files', 'every file')),
    );
    expect(names(found)).toEqual([]);
    expect(texts(found)).toEqual(['xen/include/xen/lib.h: only comments and white space change']);
  });

  test('assembly, and generated text that depends on a header', () => {
    const tree = miniTree();
    const found = affected(
      tree,
      change(tree, 'xen/include/xen/limits.h', (text) => text.replace('17', '18')),
    );
    expect(found.generated.map(({ object }) => object)).toEqual(['arch/x86/xen.lds']);
    const entry = affected(
      tree,
      change(tree, 'xen/arch/x86/entry.S', (text) => text.replace('ret', 'nop; ret')),
    );
    expect(names(entry)).toEqual(['arch/x86/entry.o']);
  });

  test.each([
    ['tools/xl.c', 'not part of the hypervisor'],
    ['docs/x.md', 'not part of the hypervisor'],
    ['xen/test/x.c', 'a test of Xen'],
    ['xen/arch/arm/traps.c', 'not compiled for x86_64'],
    ['xen/include/asm-arm/x.h', 'not compiled for x86_64'],
    ['xen/arch/x86/configs/x86_64_defconfig', 'a default configuration'],
    ['xen/common/nobody.h', 'no object of this hypervisor is compiled from it'],
  ])('%s: nothing, with a remark: %s', (path, text) => {
    const found = affected(miniTree(), { path, before: 'int a;', after: 'int b;' });
    expect(names(found)).toEqual([]);
    expect(found.problems).toEqual([]);
    expect(texts(found)).toEqual([expect.stringContaining(text)]);
  });

  test.each([
    ['xen/common/Kconfig', 'changes configuration options'],
    ['xen/Kconfig.debug', 'changes configuration options'],
    ['Config.mk', 'flags of all compilations'],
    ['config/StdGNU.mk', 'flags of all compilations'],
    ['xen/tools/symbols.c', 'changes a build tool'],
    ['xen/tools/compat-build-header.py', 'changes a build tool'],
    ['xen/scripts/gen_hypercall.awk', 'changes a build tool'],
    ['xen/Rules.mk', 'changes more than the list of objects'],
  ])('%s: refused, %s, with a way out', (path, reason) => {
    const found = affected(miniTree(), { path, before: 'a := b\n', after: 'a := c\n' });
    expect(found.problems).toEqual([
      expect.objectContaining({
        message: expect.stringContaining(reason),
        advice: expect.stringMatching(/\w/),
        where: { file: path },
      }),
    ]);
  });

  test.each([
    ['xen/include/public/vcpu.h', true],
    ['xen/include/public/errno.h', false],
    ['xen/include/public/arch-x86/cpufeatureset.h', true],
    ['xen/include/hypercall-defs.c', true],
    ['xen/include/xlat.lst', true],
    ['xen/common/kernel.c', false],
  ])('%s: are headers made of it? %s', (path, made) => {
    const tree = miniTree();
    mkdirSync(join(tree.xen, 'include/compat'));
    writeFileSync(join(tree.xen, 'include/compat/vcpu.h'), '');
    const found = affected(tree, { path, before: 'int a;', after: 'int b;' });
    expect(found).toMatchObject({ problems: [], makesHeaders: made });
    expect(affected(tree, { path, before: 'int a;', after: 'int a; /* b */' }).makesHeaders).toBe(
      made && !/\.[hc]$/.test(path),
    );
  });

  test('a command that is a script of the shell is refused, where the object is reached', () => {
    const tree = miniTree();
    const file = join(tree.xen, 'common/.kernel.o.cmd');
    rmSync(file);
    writeFileSync(
      file,
      'cmd_common/kernel.o := gcc -c common/kernel.c -o common/kernel.o; touch /tmp/x\n\nsource_common/kernel.o := common/kernel.c\n',
    );
    const edit = change(tree, 'xen/common/kernel.c', (text) => text.replace('[1]', '[2]'));
    expect(affected(tree, edit).problems).toEqual([
      expect.objectContaining({
        where: { file: 'common/kernel.o' },
        message: expect.stringContaining('a script of the shell'),
      }),
    ]);
    expect(
      affected(
        tree,
        change(tree, 'xen/common/domctl.c', (text) => text.replace('> 5', '> 6')),
      ).problems,
    ).toEqual([]);
  });
});

describe('files that come and go', () => {
  const makefile = (tree: MiniTree, edit: (text: string) => string) => change(tree, 'xen/common/Makefile', edit);
  const created = (path: string): TreeChange => ({ path, before: null, after: 'int fresh(void) { return 1; }\n' });

  test('a new source with its line in the Makefile is compiled as its siblings are', () => {
    const tree = miniTree();
    const found = affected(
      tree,
      created('xen/common/fresh.c'),
      makefile(tree, (text) => `${text}obj-y += fresh.o\n`),
    );
    expect(found.problems).toEqual([]);
    expect(found.remarks).toEqual([]);
    expect(found.objects).toMatchObject([
      { command: { object: 'common/fresh.o', source: 'common/fresh.c' }, before: false, after: true },
    ]);
    const args = found.objects[0]?.command.args ?? [];
    expect(args.filter((arg) => /fresh|kernel|domctl/.test(arg))).toEqual([
      'common/.fresh.o.d',
      '-D__OBJECT_LABEL__=common/fresh.o',
      'common/fresh.c',
      'common/.fresh.o.tmp',
      'common/fresh.o',
    ]);
  });

  test('in a new folder, listed by its parent', () => {
    const tree = miniTree();
    const found = affected(
      tree,
      makefile(tree, (text) => `${text}obj-y += sub/\n`),
      { path: 'xen/common/sub/Makefile', before: null, after: 'obj-y += fresh.o\n' },
      created('xen/common/sub/fresh.c'),
    );
    expect(found.problems).toEqual([]);
    expect(names(found)).toEqual(['common/sub/fresh.o']);
  });

  test('for an option that is off, or without a line: nothing, with a remark', () => {
    const tree = miniTree();
    const off = affected(
      tree,
      created('xen/common/fresh.c'),
      makefile(tree, (text) => `${text}obj-$(CONFIG_PV) += fresh.o\n`),
    );
    expect(names(off)).toEqual([]);
    expect(texts(off)).toContain('xen/common/Makefile: skipped common/fresh.o: its configuration option is off');
    expect(texts(affected(tree, created('xen/common/fresh.c')))).toEqual([
      'xen/common/fresh.c: no object of this hypervisor is compiled from it',
    ]);
  });

  test('a source that is gone with its line', () => {
    const tree = miniTree();
    const gone = { ...change(tree, 'xen/common/kernel.c', () => ''), after: null };
    const found = affected(
      tree,
      gone,
      makefile(tree, (text) => text.replace('obj-y += kernel.o\n', '')),
    );
    expect(found.problems).toEqual([]);
    expect(found.objects).toMatchObject([{ command: { object: 'common/kernel.o' }, before: true, after: false }]);
    expect(texts(found)).toEqual(['xen/common/Makefile: common/kernel.o is no longer part of the hypervisor']);
  });

  test.each([
    [
      'a source that is gone, and still lists',
      (tree: MiniTree) => [{ ...change(tree, 'xen/common/kernel.c', () => ''), after: null }],
      'still lists',
    ],
    [
      'a line without a source',
      (tree: MiniTree) => [makefile(tree, (text) => `${text}obj-y += none.o\n`)],
      'there is no .c or .S',
    ],
    [
      'a folder that is there already',
      (tree: MiniTree) => [makefile(tree, (text) => `${text}obj-y += efi/\n`)],
      'which is not in the patch',
    ],
    ['flags', (tree: MiniTree) => [makefile(tree, (text) => `${text}CFLAGS-y += -O0\n`)], 'CFLAGS-y += -O0'],
  ])('%s: refused', (_, changes, reason) => {
    const tree = miniTree();
    const found = affected(tree, ...changes(tree));
    expect(found.problems).toEqual([
      expect.objectContaining({ message: expect.stringContaining(reason), advice: expect.stringMatching(/\w/) }),
    ]);
  });
});

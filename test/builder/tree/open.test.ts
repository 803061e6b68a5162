import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openTree } from '../../../src/builder/tree/source-tree.ts';
import { WorkingCopy } from '../../../src/builder/tree/working-copy.ts';
import { miniSources, miniTree, testFolder, write } from './mini-tree.ts';

describe('a source tree', () => {
  test('by its top, or by its folder xen', () => {
    const { top, xen } = miniTree();
    writeFileSync(join(xen, 'xen-syms'), '');
    const tree = openTree(top);
    expect(tree).toMatchObject({
      top,
      source: xen,
      objects: xen,
      version: '4.17.5',
      arch: 'x86_64',
      built: true,
      writable: true,
    });
    expect(tree.xenSyms).toBe(join(xen, 'xen-syms'));
    expect(tree.config.get('CONFIG_LIVEPATCH')).toBe('y');
    expect(openTree(xen)).toEqual(tree);
  });

  test('by a link, with its real place', () => {
    const { top } = miniSources();
    const link = join(testFolder(), 'link');
    symlinkSync(top, link);
    expect(openTree(link).top).toBe(top);
  });

  test('by the folder that it was built in, which has a link to it', () => {
    const { top, xen } = miniSources();
    const folder = join(testFolder(), 'out');
    mkdirSync(folder);
    symlinkSync(xen, join(folder, 'source'));
    writeFileSync(join(folder, '.config'), 'CONFIG_ARM_64=y\nCONFIG_LIVEPATCH=y\n');
    expect(openTree(folder)).toMatchObject({ top, source: xen, objects: folder, arch: 'arm64', built: false });
    expect(openTree(top, { objects: folder })).toEqual(openTree(folder));
  });

  test('with another configuration it counts as not built', () => {
    const { top, xen } = miniTree();
    writeFileSync(join(xen, 'xen-syms'), '');
    const config = join(testFolder(), 'config');
    writeFileSync(config, 'CONFIG_X86_64=y\nCONFIG_LIVEPATCH=y\nCONFIG_DEBUG=y\n');
    expect(openTree(top, { config })).toMatchObject({ built: false, xenSyms: undefined });
    writeFileSync(config, readFileSync(join(xen, '.config')));
    expect(openTree(top, { config }).built).toBe(true);
  });

  test.each([
    ['CONFIG_ARM_32=y\nCONFIG_LIVEPATCH=y\n', 'arm32'],
    ['CONFIG_ARM_64=y\nCONFIG_LIVEPATCH=y\n', 'arm64'],
  ])('of another architecture: %j', (text, arch) => {
    expect(openTree(miniSources({ 'xen/.config': text }).top).arch).toBe(arch);
  });
});

describe('an invalid tree', () => {
  test.each([
    ['CONFIG_X86_64=y\n', 'no CONFIG_LIVEPATCH=y', 'with CONFIG_LIVEPATCH=y first'],
    ['CONFIG_X86_64=y\n# CONFIG_LIVEPATCH is not set\n', 'no CONFIG_LIVEPATCH=y', 'with CONFIG_LIVEPATCH=y first'],
    ['CONFIG_RISCV_64=y\nCONFIG_LIVEPATCH=y\n', 'not for an architecture with live patching', 'CONFIG_X86_64'],
  ])('a configuration without what it takes: %j', (text, message, hint) => {
    const { top } = miniSources({ 'xen/.config': text });
    expect(() => openTree(top)).toThrow(
      expect.objectContaining({
        code: 'EUSAGE',
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      }),
    );
  });

  test('a tree without a configuration', () => {
    const { top, xen } = miniSources();
    rmSync(join(xen, '.config'));
    expect(() => openTree(top)).toThrow('has no .config');
    const config = join(testFolder(), 'config');
    writeFileSync(config, 'CONFIG_X86_64=y\nCONFIG_LIVEPATCH=y\n');
    expect(openTree(top, { config }).arch).toBe('x86_64');
  });

  test('another folder, with what it lacks', () => {
    const folder = testFolder();
    write(folder, { 'xen/Makefile': '', 'xen/Rules.mk': '' });
    expect(() => openTree(folder)).toThrow('is not a Xen source tree: ');
    expect(() => openTree(folder)).toThrow(/lacks common\/kernel\.c, include\/xen\/lib\.h/);
    expect(() => openTree(join(folder, 'none'))).toThrow('none: no such file or directory');
    const { top } = miniSources();
    expect(() => openTree(top, { objects: join(folder, 'none') })).toThrow('none: no such file or directory');
  });
});

describe('a working copy', () => {
  test('has the folders, and links to the files; links of the tree stay in it', () => {
    const { top } = miniTree();
    const root = join(testFolder(), 'copy');
    const copy = new WorkingCopy(openTree(top), root);
    copy.replace({ path: 'xen/common/efi/runtime.c', text: 'changed' });
    expect(readFileSync(join(root, 'xen/arch/x86/efi/runtime.c'), 'utf8')).toBe('changed');
    expect(readFileSync(join(top, 'xen/common/efi/runtime.c'), 'utf8')).not.toBe('changed');
    expect(copy.mapped(`-I${top}/xen/include`)).toBe(`-I${root}/xen/include`);
    expect(copy.mapped(`-I${top}/xen`)).toBe(`-I${root}/xen`);
  });

  test('a file that is replaced is not written through its link', () => {
    const { top } = miniTree();
    const root = join(testFolder(), 'copy');
    const copy = new WorkingCopy(openTree(top), root);
    const before = readFileSync(join(top, 'xen/common/kernel.c'), 'utf8');
    copy.replace({ path: 'xen/common/kernel.c', text: 'changed' });
    copy.replace({ path: 'xen/common/domctl.c', text: null });
    expect(readFileSync(join(top, 'xen/common/kernel.c'), 'utf8')).toBe(before);
    expect(readFileSync(join(top, 'xen/common/domctl.c'), 'utf8')).toContain('do_domctl');
    expect(() => readFileSync(join(root, 'xen/common/domctl.c'))).toThrow('ENOENT');
  });

  test('a link of the tree that leads out of it is not written through', () => {
    const outside = testFolder();
    const { top, xen } = miniTree();
    symlinkSync(outside, join(xen, 'common/out'));
    const copy = new WorkingCopy(openTree(top), join(testFolder(), 'copy'));
    expect(() => copy.replace({ path: 'xen/common/out/new/x.c', text: 'x' })).toThrow('is outside of the source tree');
    expect(() => readFileSync(join(outside, 'new/x.c'))).toThrow('ENOENT');
  });
});

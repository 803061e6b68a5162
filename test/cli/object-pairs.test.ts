import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readObjectPairs } from '../../src/cli/object-pairs.ts';
import { privateDirectory } from './support.ts';

/** A folder with two folders of objects. */
function folders(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): string {
  const cwd = privateDirectory();
  for (const [folder, files] of [
    ['before', before],
    ['after', after],
  ] as const) {
    mkdirSync(join(cwd, folder));
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(cwd, folder, name)), { recursive: true });
      writeFileSync(join(cwd, folder, name), text);
    }
  }
  return cwd;
}

const read = (cwd: string, orig = 'before', patched = 'after') => {
  const { pairs, fromFolders: _, ...counts } = readObjectPairs(orig, patched, cwd);
  const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());
  return { ...counts, pairs: pairs.map((pair) => [pair.object, text(pair.orig), text(pair.patched)]) };
};

describe('folders of objects', () => {
  it('are compared by path; what is the same is counted', () => {
    const cwd = folders(
      { 'a.o': 'a', 'common/b.o': 'b', 'common/gone.o': 'g', '_start.o': 's' },
      { 'a.o': 'a', 'common/b.o': 'B', 'common/x/new.o': 'n', '_start.o': 'S' },
    );
    expect(read(cwd)).toEqual({
      compared: 5,
      identical: 1,
      pairs: [
        ['_start.o', 's', 'S'],
        ['common/b.o', 'b', 'B'],
        ['common/gone.o', 'g', null],
        ['common/x/new.o', null, 'n'],
      ],
    });
  });

  it.each([
    ['before/', 'after/'],
    ['./before', './after/'],
    ['after/../before', 'after//'],
  ])('may be named as %s and %s', (orig, patched) => {
    expect(read(folders({ 'x/a.o': '1' }, { 'x/a.o': '2' }), orig, patched).pairs).toEqual([['x/a.o', '1', '2']]);
  });

  it('may be the working directory', () => {
    const cwd = folders({ 'a.o': '1' }, { 'a.o': '2' });
    expect(read(join(cwd, 'before'), '.', '../after').pairs).toEqual([['a.o', '1', '2']]);
  });

  it.each([
    'built_in.o',
    'common/built_in.o',
    'prelink.o',
    'arch/x86/efi/buildid.o',
    'arch/x86/efi/check.o',
    'arch/x86/efi/boot.init.o',
    '.xen-syms.0.xen-syms.1.o',
    'x.xen-syms.0.o',
    'x.xen.efi.1r.o',
    '.a.o',
    '.git/a.o',
    'a.o.cmd',
    'a.c',
  ])('leave %s out, which no code of the running hypervisor is from', (name) => {
    expect(read(folders({ 'a.o': '1', [name]: '1' }, { 'a.o': '2', [name]: '2' }))).toEqual({
      compared: 1,
      identical: 0,
      pairs: [['a.o', '1', '2']],
    });
  });

  it('leave out what the build makes code of that is gone after boot', () => {
    const files = { 'efi/boot.o': '1', 'efi/boot.init.o': '1', 'efi/runtime.o': '1' };
    const patched = { 'efi/boot.o': '2', 'efi/boot.init.o': '2', 'efi/runtime.o': '2' };
    expect(read(folders(files, patched)).pairs).toEqual([['efi/runtime.o', '1', '2']]);
  });

  it('do not lead out of themselves', () => {
    const cwd = folders({ 'a.o': '1' }, { 'a.o': '2' });
    writeFileSync(join(cwd, 'secret.o'), 'secret');
    symlinkSync('../secret.o', join(cwd, 'after/link.o'));
    symlinkSync('..', join(cwd, 'after/up'));
    expect(read(cwd)).toMatchObject({ compared: 1 });
  });

  it('without objects are an error', () => {
    expect(() => read(folders({ 'a.c': '' }, {}))).toThrow('no objects in before and after');
  });

  it('are an error beside a file', () => {
    const cwd = folders({ 'a.o': '1' }, { 'a.o': '2' });
    expect(() => read(cwd, 'before', 'after/a.o')).toThrow('before is a directory and the other argument is not');
  });
});

describe('two objects', () => {
  const cwd = folders({ 'common/a.o': '1', 'b.o': '1' }, { 'common/a.o': '2', 'b.o': '1' });

  it('are called by what both paths end in, or else as the second', () => {
    expect(read(cwd, 'before/common/a.o', 'after/common/a.o').pairs).toEqual([['common/a.o', '1', '2']]);
    expect(read(cwd, 'before/b.o', 'after/common/a.o').pairs).toEqual([['a.o', '1', '2']]);
  });

  it('are compared even where they are the same', () => {
    expect(read(cwd, 'before/b.o', 'after/b.o')).toEqual({ compared: 1, identical: 1, pairs: [['b.o', '1', '1']] });
  });

  it('that are too large are not read', () => {
    const path = join(cwd, 'huge.o');
    writeFileSync(path, '');
    truncateSync(path, 65 * 1024 * 1024);
    expect(() => read(cwd, 'before/b.o', 'huge.o')).toThrow('huge.o: 65 MiB is too large for a compiled object');
  });

  it('that are not there are told of', () => {
    expect(() => read(cwd, 'before/b.o', 'nosuch.o')).toThrow('nosuch.o: no such file');
  });
});

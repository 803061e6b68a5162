import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type LinkOptions, linkPayload } from '../../src/builder/index.ts';
import { linkerFor } from '../../src/builder/linkers.ts';
import { isProblem, readElf } from '../../src/elf/index.ts';
import { readPayload } from '../../src/payload/index.ts';
import type { XenArch } from '../../src/xen/index.ts';
import { compileC, readelf } from '../support/gcc.ts';
import { objectOf, temporaryFolder } from './support.ts';

const { path: folder, env, left } = temporaryFolder();
const ARCHS: readonly XenArch[] = ['x86_64', 'arm64', 'arm32'];

const link = (objects: Readonly<Record<string, Uint8Array>>, options: Partial<LinkOptions> = {}) =>
  linkPayload(
    Object.entries(objects).map(([object, bytes]) => ({ object, bytes })),
    { arch: 'x86_64', env, buildId: 'sha1', ...options },
  );

const sectionsOf = (bytes: Uint8Array): string[] => {
  const elf = readElf(bytes);
  if (isProblem(elf)) throw new Error(elf.message);
  return elf.sections.map(({ name }) => name);
};

/** Writes a program that replaces a linker. */
function program(name: string, script: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o700);
  return path;
}

describe.each(ARCHS)('linking for %s', (arch) => {
  const object = objectOf(arch, 'hello');

  it('gives a payload with a build-id, with the same bytes each time', async () => {
    const payload = await link({ 'common/version.o': object }, { arch });
    const read = readPayload(payload);
    if (isProblem(read)) throw new Error(read.message);
    expect(read.identity.buildId?.id).toMatch(/^[0-9a-f]{40}$/);
    expect(await link({ 'somewhere/else.o': object }, { arch })).toEqual(payload);
  });

  it('keeps flags and machine of the file header', async () => {
    const [before, after] = [readElf(object), readElf(await link({ 'a.o': object }, { arch }))];
    if (isProblem(before) || isProblem(after)) throw new Error('not ELF');
    expect(after.header.e_flags).toBe(before.header.e_flags);
    expect(after.header.e_machine).toBe(before.header.e_machine);
  });

  it('refuses objects of another architecture', async () => {
    const other = objectOf(arch === 'arm64' ? 'x86_64' : 'arm64', 'hello');
    await expect(link({ 'common/other.o': other }, { arch })).rejects.toMatchObject({ code: 'ETOOL' });
  });
});

describe('linking', () => {
  const f = compileC('int f(void) { return 1; }', ['-ffunction-sections']);
  const g = compileC('int g(void) { return 2; }', ['-ffunction-sections']);

  it('takes several objects, and leaves no name of a file behind', async () => {
    const linked = await link({ 'common/f.o': f, 'common/g.o': g });
    expect(sectionsOf(linked)).toEqual(expect.arrayContaining(['.text.f', '.text.g', '.note.gnu.build-id']));
    expect(Buffer.from(linked).includes('object-')).toBe(false);
    expect(Buffer.from(linked).includes(folder)).toBe(false);
  });

  it('depends on the order of the objects, and on nothing else', async () => {
    expect(await link({ g, f })).not.toEqual(await link({ f, g }));
    expect(await link({ f, g })).toEqual(await link({ f, g }));
  });

  it('adds no build-id, or the given one, on request', async () => {
    expect(sectionsOf(await link({ f, g }, { buildId: 'none' }))).not.toContain('.note.gnu.build-id');
    const given = await link({ f }, { buildId: Uint8Array.of(0xab, 0xcd, 0xef, 1) });
    expect(readelf(given, ['-n'])).toContain('Build ID: abcdef01');
  });

  it('reports incompatible objects by their own names', async () => {
    await expect(link({ 'common/one.o': f, 'common/two.o': f })).rejects.toMatchObject({
      code: 'ETOOL',
      message: expect.stringMatching(/common\/two\.o.*multiple definition of `f'.*common\/one\.o/s) as string,
    });
  });

  it('reports a missing linker', async () => {
    await expect(link({ f }, { ld: 'no-such-ld' })).rejects.toMatchObject({
      code: 'ETOOL',
      message: 'no-such-ld is not installed, or not on PATH',
    });
    await expect(link({ f }, { arch: 'arm64', env: { ...env, PATH: folder } })).rejects.toMatchObject({
      hint: expect.stringContaining('binutils-aarch64-linux-gnu') as string,
    });
  });

  it('takes another linker, and the prefix of a cross build', () => {
    expect(linkerFor('arm64', { crossPrefix: 'aarch64-none-elf-' }).program).toBe('aarch64-none-elf-ld');
    expect(linkerFor('arm64', { crossPrefix: 'x-', ld: '/opt/ld' }).program).toBe('/opt/ld');
  });

  it('kills the linker when interrupted', async () => {
    const ld = program('slow-ld', 'echo $$ > "$TMPDIR/pid"; exec sleep 60');
    const stop = new AbortController();
    const linking = link({ f }, { ld, signal: stop.signal });
    await wait(300);
    stop.abort();
    await expect(linking).rejects.toMatchObject({ code: 'ETOOL', message: 'interrupted' });
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('never leaves a folder behind', () => {
    expect(left().filter((name) => name.startsWith('xsplice-'))).toEqual([]);
  });

  it('reports where it cannot write', async () => {
    await expect(link({ f }, { env: { ...env, TMPDIR: join(folder, 'nosuch') } })).rejects.toMatchObject({
      code: 'EFILE',
      hint: 'Set TMPDIR to a writable folder.',
    });
  });
});

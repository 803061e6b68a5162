import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exampleBytes, manifest } from '../support/examples.ts';
import { privateDirectory, run } from './support.ts';

describe('xsplice examples', () => {
  it('lists every example once, with its architecture and what becomes of it', async () => {
    const { status, stdout, stderr } = await run(['examples']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(rows).toEqual(
      manifest.payloads.map(({ name, arch, title, expected }) => [
        name,
        arch,
        expected.verdict === 'accepted' ? 'accepted' : `refused ${expected.errno}`,
        title,
      ]),
    );
  });

  it('lists those that are named', async () => {
    const { stdout } = await run(['examples', 'arm64/hello', 'arm32/odd-branch']);
    expect(stdout.split('\n').map((line) => line.split(' ', 1)[0])).toEqual(['arm64/hello', 'arm32/odd-branch', '']);
  });

  it('writes them, and the hypervisors that they are for', async () => {
    const cwd = privateDirectory();
    const { status, stdout } = await run(['examples', 'hello', 'arm32/hooks', '--write', 'made/here'], { cwd });
    expect(status).toBe(0);
    const names = ['miniature-xen', 'arm32/miniature-xen', 'hello.livepatch', 'arm32/hooks.livepatch'];
    expect(stdout).toBe(names.map((name) => `${name}\n`).join(''));
    for (const name of names) {
      const written = readFileSync(join(cwd, 'made/here', name));
      expect(written.equals(exampleBytes(name.replace('.livepatch', ''))), name).toBe(true);
    }
    expect(readdirSync(join(cwd, 'made/here')).sort()).toEqual(['arm32', 'hello.livepatch', 'miniature-xen']);
  });

  it('says where it cannot write', async () => {
    const cwd = privateDirectory();
    writeFileSync(join(cwd, 'file'), '');
    const { status, stderr } = await run(['examples', 'hello', '--write', 'file'], { cwd });
    expect(status).toBe(2);
    expect(stderr).toMatch(/^xsplice: error: .*file/);
  });

  it('names each example once where one is not known', async () => {
    const { stderr } = await run(['examples', 'nosuch']);
    expect(stderr).toContain('unknown example nosuch');
    const [, list = ''] =
      /examples: (.*); prefix those of x86-64 with arm64\/ or arm32\/ for the other/.exec(stderr) ?? [];
    const names = manifest.payloads.filter(({ arch }) => arch === 'x86_64').map(({ name }) => name);
    expect(list.split(', ')).toEqual([...names, 'arm32/odd-branch']);
  });
});

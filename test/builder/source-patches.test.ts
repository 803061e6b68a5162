import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { type SourceXen, xenFromSource } from '../support/source-xen.ts';
import { type PatchArch, SOURCE_PATCHES } from './source-patches/manifest.ts';

const FOLDER = fileURLToPath(new URL('source-patches/', import.meta.url));
const MINUTES = 60_000;

const sorted = (names: readonly string[]): string[] => [...new Set(names)].sort();

describe('the patches against a real hypervisor', () => {
  it('are those of the manifest', () => {
    const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.patch'));
    expect(sorted(SOURCE_PATCHES.map(({ file }) => file))).toEqual(sorted(files));
  });

  it('lie in the folders of their architectures', () => {
    for (const { file, arch } of SOURCE_PATCHES) {
      const folder = dirname(file);
      if (folder !== 'common') expect(arch, file).toEqual([folder]);
    }
  });

  describe.each(['x86_64', 'arm64'] as const)('of %s', (arch: PatchArch) => {
    const patches = SOURCE_PATCHES.filter((patch) => patch.arch.includes(arch));
    let xen: SourceXen;

    beforeAll(async () => {
      xen = await xenFromSource(arch);
    }, 20 * MINUTES);

    it.each(patches.map(({ file }) => file))('%s applies to the tree, line by line', (file) => {
      const args = ['--dry-run', '--fuzz=0', '--force', '-p1', '-i', join(FOLDER, file), '-d', xen.tree];
      const said = execFileSync('patch', args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
      expect(said).not.toMatch(/offset|fuzz/);
    });
  });
});

import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/system/index.ts';
import { findSourceXen } from '../../src/targets/qemu/xen-source.ts';
import { type SourceXen, xenFromSource } from '../support/source-xen.ts';

const MINUTES = 60_000;

const folder = mkdtempSync(join(tmpdir(), 'xsplice-source-tree-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** How the hypervisor is built for each architecture. */
const VARIABLES = {
  x86_64: ['XEN_TARGET_ARCH=x86_64'],
  arm64: ['XEN_TARGET_ARCH=arm64', 'CROSS_COMPILE=aarch64-linux-gnu-'],
  arm32: ['XEN_TARGET_ARCH=arm32', 'CROSS_COMPILE=arm-linux-gnueabihf-'],
} as const;

/** An object of each kind: of common code, and of the architecture's own. */
const OBJECTS = { x86_64: 'arch/x86/msi.o', arm64: 'arch/arm/p2m.o', arm32: 'arch/arm/p2m.o' } as const;

describe.each(['x86_64', 'arm64', 'arm32'] as const)('the tree that Xen for %s was built in', (arch) => {
  const objects = ['common/keyhandler.o', OBJECTS[arch]];
  let xen: SourceXen;

  beforeAll(async () => {
    xen = await xenFromSource(arch);
  }, 20 * MINUTES);

  it('has the configuration and the objects', () => {
    expect(readFileSync(join(xen.tree, 'xen/.config'))).toEqual(readFileSync(xen.config));
    expect(readFileSync(xen.config, 'utf8')).toContain('CONFIG_LIVEPATCH=y\n');
    for (const path of objects) expect(statSync(join(xen.tree, 'xen', path)).size).toBeGreaterThan(1000);
  });

  it('makes the same objects elsewhere, and only those whose source has changed', { timeout: 2 * MINUTES }, () => {
    const copy = join(folder, arch);
    cpSync(xen.tree, copy, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    const top = join(copy, 'xen');
    const make = (): string =>
      execFileSync('make', ['-C', top, ...VARIABLES[arch], ...objects], {
        encoding: 'utf8',
        env: { PATH: process.env['PATH'], LC_ALL: 'C' },
      });
    const read = (): Buffer[] => objects.map((path) => readFileSync(join(top, path)));
    const original = read();
    expect(make()).not.toMatch(/\bCC\b/);
    for (const path of objects) appendFileSync(join(top, path.replace(/o$/, 'c')), '\n/* Nothing. */\n');
    expect(make().match(/\bCC\b/g)).toHaveLength(objects.length);
    expect(read()).toEqual(original);
    rmSync(copy, { recursive: true });
  });
});

describe('what the cache holds of a hypervisor built from source', () => {
  it('counts only with the tree', () => {
    const name = join(folder, 'debian-xen-source-arm64');
    const parts = ['xen', 'xen-syms', 'config'];
    const fill = (paths: readonly string[]): void => {
      const sums: Record<string, string> = {};
      for (const path of paths) {
        mkdirSync(join(name, path, '..'), { recursive: true });
        writeFileSync(join(name, path), path);
        sums[path] = sha256(path);
      }
      writeFileSync(join(name, 'stamp.json'), JSON.stringify({ packageVersion: '1', buildId: '00', sha256: sums }));
    };
    const found = (): string | undefined => findSourceXen({ XSPLICE_CACHE: folder }, 'arm64')?.tree;
    fill(parts);
    expect(found()).toBeUndefined();
    fill([...parts, 'tree/xen/.config', 'tree/xen/include/generated/autoconf.h']);
    expect(found()).toBe(join(name, 'tree'));
    writeFileSync(join(name, 'tree/xen/.config'), 'another');
    expect(found()).toBeUndefined();
  });
});

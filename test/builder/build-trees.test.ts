import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { buildAll } from '../../src/builder/index.ts';
import { type MiniatureTree, miniatureSources, miniatureTree, patchOf } from './support/miniature-tree.ts';
import { buildFor, bytesOf, contentsOf, left, named, toolsFor } from './support/run-build.ts';

const VERSION = [['".1"', '".1-fixed"']] as const;

/** Returns the running hypervisor: built elsewhere from the tree's current sources. */
function runningXen(tree: MiniatureTree): string {
  const elsewhere = join(tree.folder, 'elsewhere');
  cpSync(tree.top, elsewhere, { recursive: true });
  execFileSync('make', ['-s', 'build'], { cwd: join(elsewhere, 'xen'), env: tree.env, stdio: 'ignore' });
  const path = join(tree.folder, 'running-xen-syms');
  renameSync(join(elsewhere, 'xen/xen-syms'), path);
  rmSync(elsewhere, { recursive: true });
  return path;
}

describe('a tree that is not built', () => {
  it('is built in the cache, once', async () => {
    const tree = miniatureSources();
    const before = contentsOf(tree.top);
    const xen = runningXen(tree);
    const told: string[] = [];
    const progress = (doing: string): void => void told.push(doing);
    const patch = patchOf(tree, 'common/version.c', VERSION);
    const first = await buildFor(tree, patch, { xen }, {}, { progress });
    expect(first).toMatchObject({ verdict: 'built', refusals: [], remarks: [] });
    expect(told.some((doing) => /^building the tree: .*gcc .*common\/kernel\.c/.test(doing))).toBe(true);
    expect(told).toContain('compiling common/version.o, 1 of 1');
    told.length = 0;
    const second = await buildFor(tree, patch, { xen }, {}, { progress });
    expect(told.filter((doing) => doing.startsWith('building the tree'))).toEqual([]);
    expect(second.bytes).toEqual(first.bytes);
    expect(contentsOf(tree.top)).toBe(before);
    expect(
      readdirSync(tree.env['XSPLICE_CACHE'] as string).filter((name) => name.startsWith('built-tree-')),
    ).toHaveLength(1);
  });

  it('gives a payload for its own hypervisor, with a remark, if no other is given', async () => {
    const tree = miniatureSources();
    const { verdict, remarks } = await buildFor(tree, patchOf(tree, 'common/version.c', VERSION));
    expect(verdict).toBe('built');
    expect(remarks.map(({ message }) => message)).toEqual([expect.stringContaining('Give the running xen-syms')]);
  });

  it('is not built for patches that do not apply', async () => {
    const tree = miniatureSources();
    const patch = patchOf(tree, 'common/version.c', VERSION).replace('-    return ".1";', '-    return ".0";');
    const { verdict, xen } = await buildFor(tree, patch);
    expect({ verdict, xen }).toEqual({ verdict: 'refused', xen: null });
    expect(existsSync(tree.env['XSPLICE_CACHE'] as string)).toBe(false);
  });

  it('may lie in a folder with its xen-syms and configuration, as packages have it', async () => {
    const tree = miniatureSources();
    renameSync(runningXen(tree), join(tree.top, 'xen-syms'));
    mkdirSync(join(tree.top, 'buildconfigs'));
    renameSync(join(tree.xen, '.config'), join(tree.top, 'buildconfigs/config-release'));
    const patch = patchOf(tree, 'common/version.c', VERSION);
    expect(await buildFor(tree, patch)).toMatchObject({ verdict: 'built', remarks: [] });
    const folder = join(tree.folder, 'base');
    mkdirSync(folder);
    renameSync(tree.top, join(folder, 'source'));
    renameSync(join(folder, 'source/xen-syms'), join(folder, 'xen-syms'));
    renameSync(join(folder, 'source/buildconfigs/config-release'), join(folder, 'config'));
    expect(await buildFor(tree, patch, { source: folder })).toMatchObject({ verdict: 'built', remarks: [] });
  });
});

describe('patches of the base', () => {
  const PRISTINE = [['return "miniature";', 'return "vendor";']] as const;
  const file = (text: string) => ({ file: 'pristine.patch', bytes: bytesOf(text) });

  it('are in both versions, and not in the payload', async () => {
    const tree = miniatureTree();
    const pristine = patchOf(tree, 'common/version.c', PRISTINE);
    const fix = patchOf(tree, 'common/version.c', VERSION);
    // The running hypervisor has them; the tree and its build do not.
    const sources = readFileSync(join(tree.xen, 'common/version.c'), 'utf8');
    writeFileSync(join(tree.xen, 'common/version.c'), sources.replace(...PRISTINE[0]));
    const xen = runningXen(tree);
    writeFileSync(join(tree.xen, 'common/version.c'), sources);
    const before = contentsOf(tree.top);
    const result = await buildFor(tree, fix, { xen, pristine: [file(pristine)] });
    expect(result).toMatchObject({ verdict: 'built', refusals: [], compiled: 1 });
    expect(named(result, 'changed')).toEqual(['xen_extra_version']);
    expect(contentsOf(tree.top)).toBe(before);
    expect(left(tree)).toEqual([]);
    // A patch on top of one of them.
    const on = patchOf(tree, 'common/version.c', [['return "miniature";', 'return "fixed";']]);
    const top = await buildFor(tree, on.replace('"miniature"', '"vendor"'), { xen, pristine: [file(pristine)] });
    expect(named(top, 'changed')).toEqual(['xen_changeset']);
  });

  it('must apply too', async () => {
    const tree = miniatureTree();
    const pristine = patchOf(tree, 'common/version.c', PRISTINE).replace(
      '-    return "miniature"',
      '-    return "other"',
    );
    const fix = patchOf(tree, 'common/version.c', VERSION);
    const { verdict, refusals } = await buildFor(tree, fix, { pristine: [file(pristine)] });
    expect(verdict).toBe('refused');
    expect(refusals.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^pristine\.patch: .*the patch expects .*"other"/),
    ]);
  });

  it('never write out of the copy of the tree', async () => {
    const tree = miniatureTree();
    const outside = join(tree.folder, 'outside');
    mkdirSync(outside);
    execFileSync('ln', ['-s', outside, join(tree.xen, 'common/link')]);
    const pristine = '--- /dev/null\n+++ b/xen/common/link/new.c\n@@ -0,0 +1 @@\n+int x;\n';
    const building = buildFor(tree, patchOf(tree, 'common/version.c', VERSION), { pristine: [file(pristine)] });
    await expect(building).rejects.toMatchObject({
      code: 'EUSAGE',
      message: expect.stringContaining('is outside') as string,
    });
    expect(readdirSync(outside)).toEqual([]);
    expect(left(tree)).toEqual([]);
  });
});

describe('an interrupted build', () => {
  it('kills the compiler and leaves nothing behind', async () => {
    const tree = miniatureTree();
    const bin = join(tree.folder, 'bin');
    mkdirSync(bin);
    const pid = join(tree.folder, 'pid');
    writeFileSync(join(bin, 'gcc'), `#!/bin/sh\necho $$ > ${pid}.new\nmv ${pid}.new ${pid}\nsleep 100\n`);
    chmodSync(join(bin, 'gcc'), 0o755);
    const env = { ...tree.env, PATH: `${bin}:${tree.env['PATH']}` };
    const stop = new AbortController();
    const building = buildFor(tree, patchOf(tree, 'common/version.c', VERSION), {}, {}, { env, signal: stop.signal });
    const ended = expect(building).rejects.toMatchObject({ message: 'interrupted' });
    while (!existsSync(pid)) await sleep(20);
    stop.abort();
    await ended;
    expect(() => process.kill(Number(readFileSync(pid, 'utf8')), 0)).toThrow('ESRCH');
    expect(left(tree)).toEqual([]);
  });

  it('stops all bases, even before it starts', async () => {
    const tree = miniatureTree();
    const signal = AbortSignal.abort();
    await expect(buildFor(tree, '', {}, {}, { signal })).rejects.toMatchObject({ code: 'ETOOL' });
    const bases = [{ source: tree.top }, { source: '/nowhere' }];
    const all = buildAll(bases, { patches: [], name: 'fix' }, { ...toolsFor(tree), signal });
    await expect(all).rejects.toMatchObject({ code: 'ETOOL', message: 'interrupted' });
  });
});

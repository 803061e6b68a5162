import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { BuildDocument } from '../../src/documents/index.ts';
import { buildSchema } from '../../src/documents/schemas.ts';
import { isProblem } from '../../src/elf/index.ts';
import { readPayload } from '../../src/payload/index.ts';
import { beside, type MiniatureTree, miniatureTree, patchOf } from '../builder/support/miniature-tree.ts';
import { left } from '../builder/support/run-build.ts';
import { root } from '../support/examples.ts';
import { run, runMain } from './support.ts';

/** The whole command, in the folder that the tree lies in. */
const xsplice = (tree: MiniatureTree, argv: readonly string[], terminal = false) =>
  runMain(['build', ...argv], { stderrIsTTY: terminal, env: tree.env, cwd: tree.folder });

/** `xsplice build --json`, its document as the schema has it. */
async function documentOf(
  tree: MiniatureTree,
  ...argv: string[]
): Promise<{ status: number; document: BuildDocument }> {
  const { status, stdout, stderr } = await xsplice(tree, ['--json', ...argv]);
  expect(stderr).toBe('');
  return { status, document: buildSchema.parse(JSON.parse(stdout)) };
}

const VERSION = [['".1"', '".1-fixed"']] as const;

/** A tree with `fix.patch` and `bad.patch` beside it: one that can be built, and one that does not apply. */
function treeWithPatches(arch: 'x86_64' | 'arm64' = 'x86_64'): MiniatureTree {
  const tree = miniatureTree(arch);
  const patch = patchOf(tree, 'common/version.c', VERSION, 'Say that it is fixed');
  beside(tree, 'fix.patch', patch);
  beside(tree, 'bad.patch', patch.replace('-    return ".1";', '-    return ".0";'));
  return tree;
}

const nameIn = (path: string): string | undefined => {
  const payload = readPayload(new Uint8Array(readFileSync(path)));
  if (isProblem(payload)) throw new Error(payload.message);
  return payload.metadata?.strings[0];
};

describe('xsplice build of one base', () => {
  it('writes the payload and says what it is', async () => {
    const tree = treeWithPatches();
    const { status, document } = await documentOf(
      tree,
      ...['--source', 'tree', '--patch', 'fix.patch', '-o', 'out.livepatch', '--debug-file', 'out.debug'],
    );
    expect(status).toBe(0);
    expect(document).toMatchObject({
      verdict: 'built',
      name: 'fix',
      patches: [{ title: 'Say that it is fixed', file: 'fix.patch' }],
      bases: [
        {
          name: 'tree',
          source: 'tree',
          verdict: 'built',
          xen: { version: '4.18.1' },
          compiled: 1,
          cached: 0,
          payload: { file: 'out.livepatch', bytes: readFileSync(join(tree.folder, 'out.livepatch')).length },
          debug: { file: 'out.debug', bytes: readFileSync(join(tree.folder, 'out.debug')).length },
          error: null,
          kept: null,
        },
      ],
    });
    expect(nameIn(join(tree.folder, 'out.livepatch'))).toBe('name=fix');
    expect(left(tree)).toEqual([]);
  });

  it('tells of it as diff does', async () => {
    const tree = treeWithPatches();
    const { status, stdout, stderr } = await xsplice(tree, ['--source', 'tree', '--patch', 'fix.patch', '-o', 'out']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(
      /^BUILT {2}1 changed function, out, \d+ bytes\n {2}1 object compiled before and after the patch\n/,
    );
    expect(stdout).toMatch(/\n {2}changed +xen_extra_version {2}common\/version\.o\n/);
    const again = await xsplice(tree, ['--source', 'tree/xen', '--patch', 'fix.patch', '--explain']);
    expect(again.stdout).toContain('1 object compiled before and after the patch, from the cache');
    expect(again.stdout).toContain('nothing written');
    expect(again.stdout).toMatch(/unchanged +xen_major_version/);
  });

  it('says what it is doing on a terminal', async () => {
    const tree = treeWithPatches();
    const gcc = execFileSync('sh', ['-c', 'command -v gcc'], { encoding: 'utf8' }).trim();
    const slow = join(tree.folder, 'slow');
    mkdirSync(slow);
    writeFileSync(join(slow, 'gcc'), `#!/bin/sh\nsleep 0.3\nexec ${gcc} "$@"\n`);
    chmodSync(join(slow, 'gcc'), 0o755);
    const env = { ...tree.env, PATH: `${slow}:${tree.env['PATH']}` };
    const argv = ['--source', 'tree', '--patch', 'fix.patch', '--name', 'other', '-o', 'out'];
    const { stderr } = await xsplice({ ...tree, env }, argv, true);
    expect(stderr).toContain('\r\x1b[Kcompiling common/version.o, 1 of 1');
    expect(stderr.endsWith('\r\x1b[K')).toBe(true);
    expect(nameIn(join(tree.folder, 'out'))).toBe('name=other');
  });

  it('leaves no payload of an earlier run where it was refused, and ends with 1', async () => {
    const tree = treeWithPatches();
    beside(tree, 'out', 'an earlier one');
    const { status, document } = await documentOf(tree, '--source', 'tree', '--patch', 'bad.patch', '-o', 'out');
    expect({ status, verdict: document.verdict }).toEqual({ status: 1, verdict: 'refused' });
    expect(document.bases[0]?.refusals[0]?.message).toContain('bad.patch: xen/common/version.c, @@');
    expect(existsSync(join(tree.folder, 'out'))).toBe(false);
  });

  it('ends with 0 where nothing changes', async () => {
    const tree = treeWithPatches();
    beside(tree, 'none.patch', patchOf(tree, 'common/version.c', [['/* A fixed date', '/* A date']]));
    const { status, document } = await documentOf(tree, '--source', 'tree', '--patch', 'none.patch', '-o', 'out');
    expect({ status, verdict: document.verdict }).toEqual({ status: 0, verdict: 'unchanged' });
    expect(existsSync(join(tree.folder, 'out'))).toBe(false);
  });

  it('takes several patches, levels of rules, and keeps what was compiled', async () => {
    const tree = treeWithPatches();
    beside(tree, 'more.patch', patchOf(tree, 'common/keyhandler.c', [['showing installed', 'showing all']], 'More'));
    const argv = ['--source', 'tree', '--patch', 'fix.patch', 'more.patch', '--keep', '--rule', 'no-such-rule=off'];
    const wrong = await xsplice(tree, argv);
    expect(wrong).toMatchObject({ status: 2, stdout: '' });
    expect(wrong.stderr).toContain('no-such-rule');
    const { document } = await documentOf(tree, ...argv.slice(0, -2), '--jobs', '1');
    expect(document.patches.map(({ title }) => title)).toEqual(['Say that it is fixed', 'More']);
    expect(document.bases[0]).toMatchObject({ verdict: 'built', compiled: 2 });
    const kept = document.bases[0]?.kept ?? '';
    expect(readdirSync(kept).sort()).toEqual(['after', 'before', 'commands', 'payload.livepatch']);
  });

  it.each([
    [[], 'missing --source TREE'],
    [['--source', 'tree'], 'missing --patch FILE'],
    [['--source', 'tree', '--base', 'tree', '--patch', 'fix.patch'], '--source and --base mean the same'],
    [
      ['--base', 'a', '--base', 'b', '--patch', 'fix.patch', '--xen', 'x'],
      '--xen works with a single base only, and there are 2',
    ],
    [
      ['--base', 'a', '--base', 'b', '--patch', 'fix.patch', '--debug-file', 'x'],
      '--debug-file works with a single base only',
    ],
    [['--manifest', 'm', '--source', 'tree'], '--manifest lists the bases'],
    [['--manifest', 'm', '--patch', 'fix.patch'], '--manifest lists the patches'],
    [['--manifest', 'm', '--release', '4.18.0'], '--release works with a single base only, and there is a manifest'],
    [['--manifest', 'm'], 'm: no such file'],
    [['--source', 'tree', '--patch', 'none'], 'none: no such file'],
    [['--source', 'none', '--patch', 'fix.patch'], 'none'],
    [['--source', 'tree', '--patch', 'fix.patch', '-o', 'no/out'], 'no/out: its directory does not exist'],
    [['--source', 'tree', '--patch', 'fix.patch', '-o', 'fix.patch'], 'would overwrite the input fix.patch'],
    [
      ['--source', 'tree', '--patch', 'fix.patch', '-o', 'a', '--debug-file', './a'],
      '--output and --debug-file are both',
    ],
    [['--source', 'tree', '--patch', 'fix.patch', '--name', '../x'], 'invalid payload name'],
    [['--source', 'tree', '--patch', 'fix.patch', '--release', '3.0'], 'unknown release 3.0'],
    [['--source', 'tree', '--patch', 'fix.patch', '--ld', '/nowhere/ld'], '/nowhere/ld'],
  ])('%j is wrong, and ends with 2', async (argv, message) => {
    const { status, stdout, stderr } = await xsplice(treeWithPatches(), argv);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});

describe('xsplice build of several bases', () => {
  it('puts each payload into the folder of its hypervisor, and goes on where one fails', async () => {
    const tree = treeWithPatches();
    const other = treeWithPatches('arm64');
    const bases = ['--base', 'tree', '--base', other.top, '--base', 'nowhere'];
    const { status, document } = await documentOf(tree, ...bases, '--patch', 'fix.patch', '-o', 'made');
    expect({ status, verdict: document.verdict }).toEqual({ status: 2, verdict: 'error' });
    expect(document.bases.map(({ verdict }) => verdict)).toEqual(['built', 'built', 'error']);
    for (const { xen, payload, debug } of document.bases.slice(0, 2)) {
      expect(payload?.file).toBe(`made/${xen?.buildId}/fix.livepatch`);
      expect(debug?.file).toBe(`made/${xen?.buildId}/fix.debug`);
      expect(nameIn(join(tree.folder, payload?.file ?? ''))).toBe('name=fix');
    }
    expect(document.bases[2]?.error?.message).toContain('nowhere');
    const made = join(tree.folder, 'made');
    expect(readdirSync(made)).toHaveLength(2);
    // A patch that does not apply leaves none of these.
    beside(tree, 'worse/fix.patch', readFileSync(join(tree.folder, 'bad.patch')));
    const refused = await documentOf(tree, ...bases.slice(0, 4), '--patch', 'worse/fix.patch', '-o', 'made');
    expect(refused.status).toBe(1);
    expect(readdirSync(made, { recursive: true, encoding: 'utf8' }).filter((path) => path.includes('fix.'))).toEqual(
      [],
    );
    const { stdout } = await xsplice(tree, [...bases, '--patch', 'fix.patch']);
    expect(stdout).toMatch(/^base .*\ntree +4\.18\.1 [0-9a-f]{8} +built/);
    expect(stdout).toMatch(/\nxen_extra_version +changed +changed +\?\n/);
  });

  it('builds each hypervisor once', async () => {
    const tree = treeWithPatches();
    const bases = ['--base', 'tree', '--base', 'tree/xen'];
    const { document } = await documentOf(tree, ...bases, '--patch', 'fix.patch', '-o', 'made');
    expect(document.bases.map(({ verdict }) => verdict)).toEqual(['built', 'error']);
    expect(document.bases[1]?.error?.message).toContain('same build-id as tree');
  });

  it('is told what to build by a manifest', async () => {
    const tree = treeWithPatches();
    beside(tree, 'fixes/all.yaml', `name: named\npatches: [../fix.patch]\nbases: [{ source: ../tree, name: here }]\n`);
    const { status, document } = await documentOf(tree, '--manifest', 'fixes/all.yaml', '-o', 'made');
    expect(status).toBe(0);
    const [base] = document.bases;
    expect(document.name).toBe('named');
    expect(base).toMatchObject({ name: 'here', payload: { file: `made/${base?.xen?.buildId}/named.livepatch` } });
    beside(tree, 'wrong.yaml', 'patches: [fix.patch]\n');
    const wrong = await xsplice(tree, ['--manifest', 'wrong.yaml']);
    expect(wrong).toMatchObject({ status: 2, stdout: '' });
    expect(wrong.stderr).toContain('wrong.yaml:1:1: bases has to be a list of bases');
  });
});

/** One that has ended and that nobody has waited for does not run. */
function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

describe('Ctrl-C', () => {
  it('ends the compiler, leaves no files', async () => {
    const tree = treeWithPatches();
    const bin = join(tree.folder, 'bin');
    mkdirSync(bin);
    const pid = join(tree.folder, 'pid');
    writeFileSync(join(bin, 'gcc'), `#!/bin/sh\necho $$ > ${pid}.new\nmv ${pid}.new ${pid}\nsleep 100\n`);
    chmodSync(join(bin, 'gcc'), 0o755);
    const program = `process.argv[1] = 'xsplice'; const { main } = await import(${JSON.stringify(new URL('../../src/cli/main.ts', import.meta.url).href)});
      process.exitCode = await main(process.argv.slice(2), { stdout: (t) => process.stdout.write(t), stderr: (t) => process.stderr.write(t),
        isTTY: false, stderrIsTTY: false, env: process.env, columns: undefined, cwd: ${JSON.stringify(tree.folder)} });`;
    const args = ['--import', 'tsx', '--input-type=module', '-e', program, 'xsplice', 'build'];
    const env = { ...tree.env, PATH: `${bin}:${tree.env['PATH']}` };
    const argv = [...args, '--source', 'tree', '--patch', 'fix.patch', '-o', 'out'];
    const child = spawn(process.execPath, argv, { cwd: root, env, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const ended = new Promise<unknown>((resolve) => child.once('close', (...end) => resolve(end)));
    while (!existsSync(pid) && child.exitCode === null) await sleep(20);
    child.kill('SIGINT');
    expect({ said, end: await ended }).toEqual({ said: '', end: [null, 'SIGINT'] });
    expect(isRunning(Number(readFileSync(pid, 'utf8')))).toBe(false);
    expect(left(tree).filter((name) => name.startsWith('xsplice-'))).toEqual([]);
    expect(existsSync(join(tree.folder, 'out'))).toBe(false);
  }, 60_000);
});

describe('help', () => {
  it('has examples of it', async () => {
    const { stdout } = await run(['build', '--help']);
    expect(stdout).toContain('$ xsplice build --manifest bases.yaml -o payloads --json');
  });
});

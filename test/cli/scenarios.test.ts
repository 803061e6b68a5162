import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { CliIo } from '../../src/cli/io.ts';
import type { ScenarioReport } from '../../src/documents/index.ts';
import { examplePath } from '../support/examples.ts';
import { type Run, run } from './support.ts';

const top = realpathSync(mkdtempSync(join(tmpdir(), 'xsplice-scenarios-')));
afterAll(() => rmSync(top, { recursive: true, force: true }));

let count = 0;
let cwd = '';

const put = (path: string, text: string): void => {
  mkdirSync(join(cwd, path, '..'), { recursive: true });
  writeFileSync(join(cwd, path), text);
};

const HELLO = 'xen: miniature-xen\nsteps:\n  - upload: { name: hello, file: hello.livepatch }\n';
const LIFE = `${HELLO}  - apply: hello\n  - verify\n  - revert: hello\n  - unload: hello\n`;

beforeEach(() => {
  cwd = join(top, `${count++}`);
  mkdirSync(cwd);
  for (const name of ['hello', 'stack', 'miniature-xen']) {
    cpSync(examplePath(name), join(cwd, name === 'miniature-xen' ? name : `${name}.livepatch`));
  }
});

const rehearse = (argv: readonly string[], io: Partial<CliIo> = {}): Promise<Run> =>
  run(['rehearse', ...argv], { cwd, ...io });

const documentOf = async (argv: readonly string[]): Promise<ScenarioReport> => {
  const { stdout, stderr } = await rehearse(['--json', ...argv]);
  expect(stderr).toBe('');
  return JSON.parse(stdout) as ScenarioReport;
};

describe('xsplice rehearse FILE.yaml', () => {
  it('runs a scenario, and ends with 0 where it passes', async () => {
    put('x.yaml', LIFE);
    const { status, stdout, stderr } = await rehearse(['x.yaml']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('x.yaml  Xen 4.18.1 x86_64\n ok  upload  hello  CHECKED\n');
    expect(stdout).toMatch(/PASSED 1 scenario\n$/);
  });

  it('ends with 1 where one does not, and says where', async () => {
    put('x.yml', LIFE);
    const { status, stdout } = await rehearse(['x.yml', '--release', '4.18.0']);
    expect(status).toBe(1);
    expect(stdout).toContain('not as expected in step 2, x.yml:4:5');
    expect(stdout).toMatch(/FAILED 1 of 1 scenario\n$/);
  });

  it('ends with 2 for a wrong file, before anything is run', async () => {
    put('a.yaml', LIFE);
    put('b.yaml', `${HELLO}  - aply: hello\n`);
    const { status, stdout, stderr } = await rehearse(['a.yaml', 'b.yaml']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('b.yaml:4:5: unknown step key aply; did you mean apply?');
  });

  it('ends with 2 where the environment kept it from coming to an end', async () => {
    put('x.yaml', `${HELLO}  - call: xen_extra_version\n`);
    put('y.yaml', 'xen: hello.livepatch\nsteps: [list]\n');
    const { scenarios } = await documentOf(['y.yaml']);
    expect(scenarios[0]).toMatchObject({ verdict: 'error', error: { code: 'EIMAGE' } });
    expect((await rehearse(['y.yaml'])).status).toBe(2);
  });

  it('takes options in place of what the file says', async () => {
    put('x.yaml', LIFE.replace('miniature-xen', 'none').replace('steps', 'release: ["4.18.0", "4.17.2"]\nsteps'));
    const { scenarios } = await documentOf(['x.yaml', '--xen', 'miniature-xen', '--release', '4.18.1']);
    expect(scenarios.map(({ cell, verdict, xen }) => [cell, verdict, xen?.release])).toEqual([
      ['', 'passed', '4.18.1'],
    ]);
    const { scenarios: late } = await documentOf([
      'x.yaml',
      '--xen',
      'miniature-xen',
      '--cpus',
      '2',
      '--late',
      '1=40ms',
      '--release',
      '4.18.1',
    ]);
    expect(late[0]?.surprise?.fields[0]).toMatchObject({ field: 'errno', came: 'EBUSY' });
  });

  it.each([
    [['x.yaml', 'hello.livepatch', '--xen', 'miniature-xen'], 'give either scenarios or payloads'],
    [['x.yaml', '--example', 'hello'], '--example cannot be combined with scenarios'],
    [['x.yaml', '--replace'], 'use the step "- replace: NAME"'],
    [['x.yaml', '--json', '--format', 'junit'], '--json conflicts with --format junit'],
    [['hello.livepatch', '--xen', 'miniature-xen', '--format', 'junit'], '--format junit works with scenarios'],
    [['hello.livepatch', '--xen', 'miniature-xen', '--jobs', '2'], '--jobs works with scenarios'],
    [['hello.livepatch', '--xen', 'miniature-xen', '--root', '.'], '--root works with scenarios'],
    [['none.yaml'], 'none.yaml: no such file'],
    [['nohost.yaml'], 'nohost.yaml: no hypervisor'],
    [['x.yaml', '--on', 'qemu', '--cpu', 'zen4'], '--cpu works on the simulator only'],
    [['x.yaml', '--xen-image', 'xen.gz'], '--xen-image needs --on qemu'],
    [['x.yaml', '--arch', 'arm64'], '--arch needs --on qemu'],
    [['x.yaml', '--on', 'qemu', '--arch', 'riscv'], 'Allowed choices are x86_64, arm64, arm32'],
    [['x.yaml', '--jobs', '0'], 'Expected a number from 1 to 256'],
    [['empty'], 'empty: is a directory that contains no scenarios'],
    [['latin1.yaml'], 'latin1.yaml: not valid UTF-8'],
    [['large.yaml'], 'large.yaml: 257 KiB is too large for a scenario; the limit is 256 KiB'],
  ])('%j is refused', async (argv, message) => {
    put('x.yaml', LIFE);
    put('nohost.yaml', 'steps: [list]\n');
    put('large.yaml', `${LIFE}#${'x'.repeat(256 * 1024)}`);
    writeFileSync(join(cwd, 'latin1.yaml'), Buffer.from('title: "\xe9"\nsteps: [list]\n', 'latin1'));
    mkdirSync(join(cwd, 'empty'));
    const { status, stdout, stderr } = await rehearse(argv);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  it('gives JSON and JUnit', async () => {
    put('x.yaml', LIFE);
    expect(await documentOf(['x.yaml'])).toMatchObject({
      format: 'xsplice-scenario/2',
      scenarios: [{ verdict: 'passed' }],
    });
    const json = await rehearse(['x.yaml', '--format', 'json']);
    expect(json.stdout).toBe((await rehearse(['x.yaml', '--json'])).stdout);
    const { stdout } = await rehearse(['x.yaml', '--format', 'junit']);
    expect(stdout).toContain('<testsuite name="x.yaml" file="x.yaml" tests="5" failures="0" errors="0" skipped="0">');
  });
});

describe('a folder', () => {
  it('is all scenarios in it, sorted, without parts, hidden files and links', async () => {
    for (const path of ['b.yaml', 'a/z.yml', 'a/B.YAML', 'c.yaml']) put(`s/${path}`, 'steps: [list]\n');
    for (const path of ['_part.yaml', '.hidden.yaml', 'note.txt', '_more/x.yaml', '.git/x.yaml'])
      put(`s/${path}`, 'wrong\n');
    put('elsewhere/x.yaml', 'wrong\n');
    symlinkSync(join(cwd, 'elsewhere'), join(cwd, 's/link'));
    symlinkSync(join(cwd, 'elsewhere/x.yaml'), join(cwd, 's/link.yaml'));
    const { scenarios } = await documentOf(['s', '--xen', 'miniature-xen']);
    expect(scenarios.map(({ file }) => file)).toEqual(['s/a/B.YAML', 's/a/z.yml', 's/b.yaml', 's/c.yaml']);
  });

  it('runs in threads, and is printed in order, the same as without', async () => {
    for (let i = 0; i < 12; i++) {
      const release = i % 3 === 0 ? '4.18.0' : '4.18.1';
      put(
        `s/${String(i).padStart(2, '0')}.yaml`,
        LIFE.replace('steps', `release: "${release}"\nsteps`).replace('file: ', 'file: files/'),
      );
      mkdirSync(join(cwd, 's/files'), { recursive: true });
    }
    cpSync(examplePath('hello'), join(cwd, 's/files/hello.livepatch'));
    const argv = ['s', '--xen', 'miniature-xen'];
    const alone = await rehearse([...argv, '--jobs', '1']);
    const threads = await rehearse([...argv, '--jobs', '2']);
    expect(alone).toMatchObject({ status: 1, stderr: '' });
    expect(threads).toEqual(alone);
    expect(alone.stdout).toMatch(/FAILED 4 of 12 scenarios\n$/);
    expect([...alone.stdout.matchAll(/^s\/(\d+)\.yaml {2}/gm)].map(([, number]) => Number(number))).toEqual(
      Array.from({ length: 12 }, (_, i) => i),
    );
  });

  it('shows how far it is on a terminal', async () => {
    for (let i = 0; i < 40; i++)
      put(
        `s/${i}.yaml`,
        `matrix: { a: [1, 2, 3, 4] }\n${LIFE.replace('xen: miniature-xen\n', '').replace('file: ', 'file: f/')}`,
      );
    mkdirSync(join(cwd, 's/f'));
    cpSync(examplePath('hello'), join(cwd, 's/f/hello.livepatch'));
    const { stderr, status } = await rehearse(['s', '--xen', 'miniature-xen', '--jobs', '1'], {
      stderrIsTTY: true,
      columns: 60,
    });
    expect(status).toBe(0);
    expect(stripVTControlCharacters(stderr)).toMatch(/\r\d+\/160 passed …/);
    // And takes it away.
    expect(stderr.endsWith('\r\x1b[K')).toBe(true);
  });
});

describe('what a scenario may read', () => {
  const secret = (): string => {
    put('secret/hello.livepatch', 'not for everybody');
    put('secret/_part.yaml', 'steps: [list]\n');
    return join(cwd, 'secret');
  };

  it.each([
    ['a payload', 'steps: [{ upload: { name: a, file: FILE } }]', 'hello.livepatch'],
    ['a hypervisor', 'xen: FILE\nsteps: [list]', 'hello.livepatch'],
    ['a part', 'steps: [{ include: FILE }]', '_part.yaml'],
  ])('%s outside of its folder is out of reach', async (_what, text, name) => {
    const outside = secret();
    mkdirSync(join(cwd, 's'));
    symlinkSync(join(outside, name), join(cwd, 's', 'link'));
    symlinkSync(outside, join(cwd, 's', 'folder'));
    for (const [file, message] of [
      [`../secret/${name}`, "outside of the scenario's folder"],
      [join(outside, name), 'is an absolute path'],
      ['link', "link: is outside of the scenario's folder"],
      [`folder/${name}`, "outside of the scenario's folder"],
      [`folder/../../secret/${name}`, "outside of the scenario's folder"],
    ] as const) {
      put('s/x.yaml', text.replace('FILE', file));
      const { status, stdout, stderr } = await rehearse([
        's/x.yaml',
        ...(text.startsWith('xen') ? [] : ['--xen', 'miniature-xen']),
      ]);
      expect(status).toBe(2);
      expect(stdout + stderr).toContain(message);
      expect(stdout + stderr).not.toContain('not for everybody');
    }
  });

  it('is more with --root, which has to hold the scenario', async () => {
    put('s/x.yaml', `xen: ../miniature-xen\nsteps: [{ upload: { name: hello, file: ../hello.livepatch } }]\n`);
    expect((await rehearse(['s/x.yaml'])).status).toBe(2);
    const { status, stdout } = await rehearse(['s/x.yaml', '--root', '.']);
    expect(status).toBe(0);
    expect(stdout).toContain('s/x.yaml  Xen 4.18.1');
    mkdirSync(join(cwd, 'other'));
    const other = await rehearse(['s/x.yaml', '--root', 'other']);
    expect(other).toMatchObject({ status: 2 });
    expect(other.stderr).toContain('s/x.yaml: not below --root other');
  });

  it('is what a link to the scenario leads to', async () => {
    put('real/x.yaml', HELLO.replace('miniature-xen', 'xen-syms'));
    cpSync(examplePath('hello'), join(cwd, 'real/hello.livepatch'));
    cpSync(examplePath('miniature-xen'), join(cwd, 'real/xen-syms'));
    symlinkSync(join(cwd, 'real/x.yaml'), join(cwd, 'here.yaml'));
    expect((await rehearse(['here.yaml'])).status).toBe(0);
  });
});

describe('xsplice conform FILE.yaml', () => {
  it.each([
    [['x.yaml', 'good-cycle'], 'give either scenarios or cases'],
    [['bad.yaml'], 'bad.yaml:1:9: a step is a verb'],
    [['good-cycle', '--root', '.'], '--root works with scenarios'],
  ])('%j is refused before anything is fetched', async (argv, message) => {
    put('x.yaml', LIFE);
    put('bad.yaml', 'steps: [x]\n');
    const { status, stdout, stderr } = await run(['conform', ...argv], { cwd });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});

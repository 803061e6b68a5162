import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CliIo } from '../../src/cli/io.ts';
import type { CheckMatrix, CheckReport } from '../../src/documents/index.ts';
import { checkSchema, matrixSchema } from '../../src/documents/schemas.ts';
import { RULES } from '../../src/lint/index.ts';
import { exampleManifest, examplePath } from '../support/examples.ts';
import { validate } from '../support/json-schema.ts';
import { readXml } from '../support/xml.ts';
import { runMain } from './support.ts';

const cwd = realpathSync(mkdtempSync(join(tmpdir(), 'xsplice-matrix-')));
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

/** The miniature hypervisor as another build: its build-id has another first byte, `00`. */
function otherBuild(): Uint8Array {
  const bytes = readFileSync(examplePath('miniature-xen'));
  const id = Buffer.from(exampleManifest.image.buildId, 'hex');
  let count = 0;
  for (let at = bytes.indexOf(id); at >= 0; at = bytes.indexOf(id, at + 1)) {
    bytes[at] = 0;
    count++;
  }
  expect(count).toBeGreaterThan(0);
  return bytes;
}

beforeAll(() => {
  for (const folder of ['builds/b', 'payloads/deep', 'empty']) mkdirSync(join(cwd, folder), { recursive: true });
  cpSync(examplePath('miniature-xen'), join(cwd, 'builds/xen-syms-a'));
  writeFileSync(join(cwd, 'builds/b/xen-syms'), otherBuild());
  // Neither of these is a hypervisor.
  writeFileSync(join(cwd, 'builds/xen-syms-a.map'), 'ffff82d040200000 T _start\n');
  symlinkSync(examplePath('miniature-xen'), join(cwd, 'builds/xen-syms-link'));
  cpSync(examplePath('miniature-xen'), join(cwd, 'builds/miniature-xen'));
  for (const name of ['hello', 'unknown-symbol']) cpSync(examplePath(name), join(cwd, `payloads/${name}.livepatch`));
  cpSync(examplePath('stack'), join(cwd, 'payloads/deep/stack.livepatch'));
  writeFileSync(join(cwd, 'payloads/README'), 'not a payload');
  writeFileSync(join(cwd, 'payloads/.hidden.livepatch'), '');
  symlinkSync('/', join(cwd, 'payloads/outside'));
});

const check = (argv: readonly string[], io: Partial<CliIo> = {}) => runMain(['check', ...argv], { cwd, ...io });

const matrixOf = async (argv: readonly string[]): Promise<CheckMatrix> => {
  const { stdout, stderr } = await check(['--json', ...argv]);
  expect(stderr).toBe('');
  return matrixSchema.parse(JSON.parse(stdout)) as CheckMatrix;
};

describe('payloads on several hypervisors', () => {
  it('make a matrix: folders in the order of their names, without links and what is something else', async () => {
    const matrix = await matrixOf(['payloads', '--xen', 'builds']);
    expect(matrix.hypervisors.map(({ file }) => file)).toEqual(['builds/b/xen-syms', 'builds/xen-syms-a']);
    expect(matrix.payloads.map(({ file }) => file)).toEqual([
      'payloads/deep/stack.livepatch',
      'payloads/hello.livepatch',
      'payloads/unknown-symbol.livepatch',
    ]);
    expect(
      matrix.cells.map(({ payload, xen, verdict, errno, named }) => [payload, xen, verdict, errno, named]),
    ).toEqual([
      [0, 0, 'refused', 'EINVAL', false],
      [0, 1, 'accepted', null, true],
      [1, 0, 'refused', 'EINVAL', false],
      [1, 1, 'accepted', null, true],
      [2, 0, 'refused', 'ENOENT', false],
      [2, 1, 'refused', 'ENOENT', true],
    ]);
  });

  it('are checked on top of those that they depend on', async () => {
    const matrix = await matrixOf(['payloads/deep', 'payloads/hello.livepatch', '--xen', 'builds']);
    expect(matrix.payloads.map(({ dependsOn }) => dependsOn)).toEqual([1, null]);
    expect(matrix.cells[1]?.findings).toEqual([]);
    // Of files the order is the user's, and may be wrong; that of a folder is nobody's.
    const wrongOrder = ['payloads/deep/stack.livepatch', 'payloads/hello.livepatch', '--xen', 'builds'];
    const { cells } = await matrixOf(wrongOrder);
    expect(cells[1]?.findings.map(({ rule }) => rule)).toEqual(['dependency-chain']);
    const alone = await matrixOf(['payloads/deep', '--xen', 'builds']);
    expect(alone.payloads[0]?.dependsOn).toBe(null);
    expect(alone.cells[1]?.findings.map(({ rule }) => rule)).toContain('depends-not-given');
  });

  it('are named once, in the order in which they were first named', async () => {
    const twice = ['--xen', 'builds/xen-syms-a', '--xen', 'builds'];
    const { hypervisors } = await matrixOf(['payloads/hello.livepatch', 'payloads/hello.livepatch', ...twice]);
    expect(hypervisors.map(({ file }) => file)).toEqual(['builds/xen-syms-a', 'builds/b/xen-syms']);
  });

  it('end with 1 where one is refused, with 0 where all are accepted', async () => {
    expect((await check(['payloads', '--xen', 'builds'])).status).toBe(1);
    const well = await check([
      'payloads/hello.livepatch',
      'payloads/deep',
      '--xen',
      'builds/xen-syms-a',
      '--format',
      'github',
    ]);
    expect(well).toMatchObject({ status: 0, stdout: '2 payloads on 1 hypervisor: 2 of 2 accepted\n' });
  });

  it('come out the same in threads and without', async () => {
    const argv = ['payloads', '--xen', 'builds', '--json'];
    const alone = await check([...argv, '--jobs', '1']);
    expect(await check([...argv, '--jobs', '3'])).toEqual(alone);
    expect(await check(argv)).toEqual(alone);
  });

  it('show progress on a terminal, and take it away', async () => {
    const shown: string[] = [];
    const many = Array.from({ length: 40 }, (_, i) => `many/${String(i).padStart(2, '0')}.livepatch`);
    mkdirSync(join(cwd, 'many'));
    for (const path of many) cpSync(examplePath('hello'), join(cwd, path));
    const { status } = await check(['many', '--xen', 'builds', '--jobs', '1'], {
      stderrIsTTY: true,
      stderr: (text) => void shown.push(text),
    });
    expect(status).toBe(1);
    // How fast the machine is decides how many there are.
    expect(shown.every((text) => /^\r\[K(checked \d+ of 80 …)?$/.test(text.replace('\x1b', '')))).toBe(true);
    expect(shown.length === 0 || shown.at(-1) === '\r\x1b[K').toBe(true);
  });
});

describe('many payloads on one hypervisor', () => {
  it('give the document that a few give', async () => {
    const names = exampleManifest.payloads.map(({ name }) => examplePath(name));
    const { stdout } = await check([...names, '--xen', 'builds/xen-syms-a', '--json']);
    const report = checkSchema.parse(JSON.parse(stdout)) as CheckReport;
    expect(report.payloads.map(({ verdict }) => verdict)).toEqual(
      exampleManifest.payloads.map(({ expected }) => expected.verdict),
    );
    const few = await check([names[0] ?? '', names[1] ?? '', '--xen', 'builds/xen-syms-a', '--json']);
    expect((JSON.parse(few.stdout) as CheckReport).payloads).toEqual(report.payloads.slice(0, 2));
  });

  it('take the rules of lint with them into the threads', async () => {
    const argv = ['payloads/hello.livepatch', '--xen', 'builds', '--release', '4.18.0', '--jobs', '2', '--json'];
    const rules = async (more: readonly string[]): Promise<string[]> =>
      (await matrixOf([...argv, ...more])).cells.flatMap(({ findings }) => findings.map(({ rule }) => rule));
    expect(await rules([])).toContain('funcs-read-only');
    expect(await rules(['--rule', 'funcs-read-only=off'])).not.toContain('funcs-read-only');
  });
});

describe('a format', () => {
  it('JUnit is well-formed, and has a suite for each cell', async () => {
    const { stdout } = await check(['payloads', '--xen', 'builds', '--format', 'junit']);
    expect(readXml(stdout).children).toHaveLength(6);
  });

  it('SARIF fits its schema, with every rule of lint and its page', async () => {
    const { stdout } = await check(['payloads', '--xen', 'builds', '--format', 'sarif']);
    const log = JSON.parse(stdout) as {
      runs: [{ tool: { driver: { rules: { id: string; help: { text: string } }[] } } }];
    };
    const schema = readFileSync(new URL('../report/sarif/sarif-schema-2.1.0-rtm.5.json', import.meta.url), 'utf8');
    expect(validate(JSON.parse(schema), log as never)).toEqual([]);
    const { rules } = log.runs[0].tool.driver;
    for (const { id } of RULES) {
      expect(rules.find((rule) => rule.id === id)?.help.text).toContain(id);
    }
    expect(stdout).not.toContain(cwd);
  });

  it('text shows the code that a finding is about', async () => {
    const { stdout } = await check([examplePath('bad-relocation'), '--xen', 'builds/xen-syms-a']);
    expect(stdout).toContain(' >  +0x0  b8 00 00 00 00  movl $0x0, %eax\n');
    expect(stdout).toMatch(/\n +\^\^ \^\^ \^\^ \^\^\n/);
    const colours = await check([examplePath('bad-relocation'), '--xen', 'builds/xen-syms-a', '--color', 'always']);
    expect(stripVTControlCharacters(colours.stdout)).toBe(stdout);
  });

  it.each([
    [['--json', '--format', 'sarif'], '--json conflicts with --format sarif'],
    [['--format', 'xml'], "option '--format <format>' argument 'xml' is invalid"],
    [['--rule', 'nosuch=off'], 'unknown rule nosuch'],
  ])('or a rule that makes no sense is refused: %s', async (argv, message) => {
    const { status, stderr } = await check(['payloads', '--xen', 'builds', ...argv]);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe('what is no hypervisor, and no payload', () => {
  it.each([
    [['payloads', '--xen', 'empty'], 'empty: is a directory that contains no hypervisors'],
    [['empty', '--xen', 'builds'], 'empty: is a directory that contains no payloads'],
    [['payloads', '--xen', 'nosuch', '--xen', 'builds'], 'nosuch: no such file'],
    [['payloads', 'nosuch.livepatch', '--xen', 'builds'], 'nosuch.livepatch: no such file'],
    [['payloads', '--xen', 'builds', '--xen', 'payloads/README'], 'payloads/README: '],
    [['payloads', '--xen', 'builds', '--xen', 'builds/xen-syms-a.map', '--xen', 'payloads/README'], 'xen-syms-a.map: '],
  ])('%s: ends with 2, and is named', async (argv, message) => {
    const { status, stdout, stderr } = await check(argv);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  it('is the first of them that is named, whichever thread comes first', async () => {
    const wrong = ['builds/xen-syms-a.map', 'payloads/README'].flatMap((path) => ['--xen', path]);
    const { stderr } = await check(['payloads', '--xen', 'builds/xen-syms-a', ...wrong, '--jobs', '3']);
    expect(stderr).toMatch(/^xsplice: error: builds\/xen-syms-a\.map: /);
  });
});

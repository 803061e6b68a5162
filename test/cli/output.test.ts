import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { XspliceError } from '../../src/base/index.ts';
import { wantsColor } from '../../src/cli/style.ts';
import type { CheckReport, RehearsalReport } from '../../src/documents/index.ts';
import { documentJson, PLAIN, renderCheck, renderRehearsal } from '../../src/report/index.ts';
import { checked, inspected, panicked, passed, refused, stopped } from '../report/fixtures.ts';
import { matrixOf, privateDirectory, run } from './support.ts';

const cwd = privateDirectory();
writeFileSync(join(cwd, 'xen-syms'), '');
writeFileSync(join(cwd, 'x.livepatch'), '');
const FILES = ['x.livepatch', '--xen', 'xen-syms'];

const rehearse = (report: RehearsalReport, argv: readonly string[] = [], io = {}) =>
  run(['rehearse', ...FILES, ...argv], { cwd, ...io }, { rehearsePayloads: () => Promise.resolve(report) });

describe('the exit status', () => {
  it.each([
    ['passed', passed, 0],
    ['refused', refused, 1],
    ['failed', stopped, 1],
    ['panicked', panicked, 1],
    ['passed, but a finding is an error', { ...passed, findings: refused.findings }, 1],
    ['passed with a note', { ...passed, findings: [{ rule: 'r', severity: 'note', message: 'm', where: {} }] }, 0],
  ] as const)('of a rehearsal that %s', async (_what, report, status) => {
    expect((await rehearse(report)).status).toBe(status);
  });

  const [accepted, ...others] = checked.payloads as [CheckReport['payloads'][0], ...CheckReport['payloads']];
  it.each([
    ['accepted', [accepted], 0],
    ['refused', [others[0]], 1],
    ['unsafe', [others[2]], 1],
    ['accepted, one of two', [accepted, others[0]], 1],
    ['accepted with a finding that is an error', [{ ...accepted, findings: refused.findings }], 1],
  ] as const)('of a check: %s', async (_what, payloads, status) => {
    const report = { ...checked, payloads } as CheckReport;
    const engine = { checkMatrix: () => Promise.resolve(matrixOf(report)) };
    expect((await run(['check', ...FILES], { cwd }, engine)).status).toBe(status);
  });

  it('of inspect is 1 where a finding is an error, else 0', async () => {
    expect((await run(['inspect', 'x.livepatch'], { cwd })).status).toBe(1);
    const clean = { ...inspected, payloads: inspected.payloads.map((payload) => ({ ...payload, findings: [] })) };
    expect((await run(['inspect', 'x.livepatch'], { cwd }, { inspectPayloads: () => clean })).status).toBe(0);
  });

  it('is 2 for what is wrong with the environment', async () => {
    const result = await run(
      ['check', ...FILES],
      { cwd },
      {
        checkMatrix: () => {
          throw new XspliceError('EIMAGE', 'no release 9.9 \x1b[2J', 'xsplice releases lists them');
        },
      },
    );
    expect(result).toMatchObject({ status: 2, stdout: '' });
    expect(result.stderr).toBe('xsplice: error: no release 9.9 \\x1b[2J\nxsplice: xsplice releases lists them\n');
  });

  it('is 2 for a bug of ours, without a stack trace unless it is asked for', async () => {
    const buggy = {
      rehearsePayloads: () => Promise.reject(new TypeError('oops')),
    };
    const result = await run(['rehearse', ...FILES], { cwd }, buggy);
    expect(result).toMatchObject({ status: 2, stdout: '' });
    expect(result.stderr).toBe(
      'xsplice: error: internal error: oops\nxsplice: this is a bug in xsplice; set XSPLICE_DEBUG=1 for a stack trace\n',
    );
    const asked = await run(['rehearse', ...FILES], { cwd, env: { XSPLICE_DEBUG: '1' } }, buggy);
    expect(asked.stderr).toMatch(/TypeError: oops\n +at /);
  });
});

describe('the output', () => {
  it('is text, or JSON where that is asked for', async () => {
    expect((await rehearse(passed)).stdout).toBe(renderRehearsal(passed, PLAIN));
    expect((await rehearse(passed, ['--json'])).stdout).toBe(documentJson(passed));
    expect((await run(['check', ...FILES], { cwd })).stdout).toBe(renderCheck(checked, PLAIN));
    expect((await run(['check', '--json', ...FILES], { cwd })).stdout).toBe(documentJson(checked));
    expect((await run(['inspect', '--json', 'x.livepatch'], { cwd })).stdout).toBe(documentJson(inspected));
  });

  it('is coloured on a terminal only, unless told otherwise', async () => {
    const coloured = async (argv: string[], io: object) => (await rehearse(passed, argv, io)).stdout.includes('\x1b[');
    expect(await coloured([], {})).toBe(false);
    expect(await coloured([], { isTTY: true })).toBe(true);
    expect(await coloured([], { isTTY: true, env: { NO_COLOR: '1' } })).toBe(false);
    expect(await coloured(['--color', 'never'], { isTTY: true })).toBe(false);
    expect(await coloured(['--color', 'always'], { env: { NO_COLOR: '1' } })).toBe(true);
    expect(await coloured(['--json'], { isTTY: true })).toBe(false);
  });

  it.each([
    ['NO_COLOR that is empty', { NO_COLOR: '' }, true, true],
    ['FORCE_COLOR', { FORCE_COLOR: '1' }, false, true],
    ['FORCE_COLOR=0', { FORCE_COLOR: '0' }, true, false],
    ['both', { NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
    ['a dumb terminal', { TERM: 'dumb' }, true, false],
  ])('with %s', (_what, env, isTTY, wanted) => {
    expect(wantsColor('auto', isTTY, env)).toBe(wanted);
  });

  it('of releases names all of them once, and takes no image', async () => {
    const { status, stdout } = await run(['releases']);
    expect(status).toBe(0);
    for (const release of ['4.11.0 - .4', '4.17.4 - .7', '4.18.0 ', '4.18.1 ', '4.22.0 '])
      expect(stdout).toContain(release);
  });
});

describe('progress', () => {
  const slowly = {
    rehearsePayloads: async (_image: unknown, _payloads: unknown, options: { progress?: (doing: string) => void }) => {
      options.progress?.('too early to be shown');
      await new Promise((resolve) => setTimeout(resolve, 20));
      // Nothing follows it: what takes long may be the last thing that is told.
      options.progress?.('apply x\x1b[2J');
      await new Promise((resolve) => setTimeout(resolve, 300));
      return passed;
    },
  };

  it('is shown on a terminal, escaped, and gone before the report', async () => {
    const { stderr } = await run(['rehearse', ...FILES], { cwd, stderrIsTTY: true, columns: 80 }, slowly);
    expect(stderr).toBe('\r\x1b[Kapply x\\x1b[2J\r\x1b[K');
  });

  it('is not shown elsewhere', async () => {
    expect((await run(['rehearse', ...FILES], { cwd }, slowly)).stderr).toBe('');
  });
});

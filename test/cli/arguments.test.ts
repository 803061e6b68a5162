import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { privateDirectory, run } from './support.ts';

const cwd = privateDirectory();
writeFileSync(join(cwd, 'xen-syms'), 'image');
writeFileSync(join(cwd, 'x.livepatch'), 'payload');

const COMMANDS = createProgram({ io: {} } as never, '')
  .commands.map((command) => command.name())
  .filter((name) => name !== 'help');

describe('help', () => {
  it('lists every command and the exit statuses', async () => {
    const { status, stdout, stderr } = await run(['--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    expect(stdout).toContain('\nExit status:\n  0  success\n  1  Xen refuses a payload');
  });

  it.each(COMMANDS)('of %s describes its options and has examples', async (command) => {
    const { status, stdout } = await run([command, '--help']);
    expect(status).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Usage: xsplice ${command} `));
    expect(stdout).toMatch(/^Examples:$/m);
    expect(stdout).toMatch(/^ {4}\$ .*xsplice /m);
    expect((await run(['help', command])).stdout).toBe(stdout);
  });

  it('goes to standard error, with status 2, when no command is given', async () => {
    const { status, stdout, stderr } = await run([]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('Usage: xsplice');
  });

  it.each([[], ...COMMANDS.map((command) => [command])])('of xsplice %s fits 80 columns', async (...words) => {
    const { stdout } = await run([...words, '--help'], { columns: 200 });
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });
});

describe('the version', () => {
  it('is that of package.json', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(await run(['--version'])).toMatchObject({ status: 0, stdout: `${version}\n` });
  });
});

describe('a wrong command line', () => {
  const FILES = ['x.livepatch', '--xen', 'xen-syms'];
  it.each([
    ['an unknown command', ['chekc', 'x'], "unknown command 'chekc'\n(Did you mean check?)"],
    ['an unknown option', ['rehearse', '--xne', 'y'], "unknown option '--xne'\n(Did you mean --xen?)"],
    ['no payload to inspect', ['inspect'], "missing required argument 'payload'"],
    ['no payload to check', ['check', '--xen', 'xen-syms'], "missing required argument 'payload'"],
    ['no payload to rehearse', ['rehearse', '--xen', 'xen-syms'], 'missing PAYLOAD'],
    ['check without a hypervisor', ['check', 'x.livepatch'], 'missing --xen XEN-SYMS'],
    ['rehearse without a hypervisor', ['rehearse', 'x.livepatch'], 'missing --xen XEN-SYMS'],
    ['--xen without a value', ['check', 'x.livepatch', '--xen'], 'argument missing'],
    ['an example and a payload', ['rehearse', 'x.livepatch', '--example', 'hello'], 'remove PAYLOAD and --xen'],
    ['an example and an image', ['rehearse', '--xen', 'xen-syms', '--example', 'hello'], 'remove PAYLOAD'],
    ['an unknown example', ['rehearse', '--example', 'nosuch'], 'unknown example nosuch'],
    ['an unknown example to write', ['examples', 'arm64/nosuch'], 'unknown example arm64/nosuch'],
    ['too many arguments', ['releases', 'x'], 'too many arguments'],
    ['an unknown shell', ['completion', 'fish'], 'Allowed choices are bash, zsh'],
    ['an unknown colour setting', ['check', ...FILES, '--color', 'pink'], 'Allowed choices are auto, always, never'],
    ['no CPU', ['rehearse', ...FILES, '--cpus', '0'], 'Expected a number from 1 to 4095'],
    ['CPUs that are no number', ['rehearse', ...FILES, '--cpus', '4x'], 'Expected a number'],
    ['a negative number of CPUs', ['rehearse', ...FILES, '--cpus=-1'], 'Expected a number'],
    ['a late CPU without a time', ['rehearse', ...FILES, '--late', '1'], 'Expected CPU=NS'],
    ['a late CPU with a wrong unit', ['rehearse', ...FILES, '--late', '1=4h'], 'Expected nanoseconds'],
    ['a late CPU that is not there', ['rehearse', ...FILES, '--late', '2=1', '--cpus', '2'], 'no CPU 2'],
    ['a stuck CPU that is not there', ['rehearse', ...FILES, '--stuck', '9', '--cpus', '8'], 'CPUs 0 to 7'],
    ['a timeout beyond 32 bits', ['rehearse', ...FILES, '--timeout', '5s'], 'Expected nanoseconds up to 4294967295'],
    ['an unknown log level', ['rehearse', ...FILES, '--loglvl', 'loud'], 'Expected one of none, error, warning'],
    ['three log levels', ['rehearse', ...FILES, '--loglvl', 'all/all/all'], 'two of them as LOWER/UPPER'],
  ])('with %s ends with status 2 and says so', async (_what, argv, message) => {
    const { status, stdout, stderr, calls } = await run(argv, { cwd });
    expect({ status, stdout, calls }).toEqual({ status: 2, stdout: '', calls: [] });
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^xsplice: error: /);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it('is red on a terminal only', async () => {
    expect((await run(['nosuch'], { stderrIsTTY: true })).stderr).toContain('\x1b[31merror:');
    expect((await run(['check', 'x'], { stderrIsTTY: true })).stderr).toContain('\x1b[31merror:');
    expect((await run(['nosuch'], { stderrIsTTY: true, env: { NO_COLOR: '1' } })).stderr).not.toContain('\x1b');
  });
});

describe('the options of a rehearsal', () => {
  const options = async (...argv: string[]) => {
    const { calls } = await run(['rehearse', 'x.livepatch', '--xen', 'xen-syms', ...argv], { cwd });
    const { progress, ...rest } = calls[0]?.options ?? {};
    expect(progress).toBeTypeOf('function');
    return rest;
  };

  it('are absent where they are not given', async () => {
    expect(await options()).toEqual({});
  });

  it('reach the simulator', async () => {
    expect(
      await options(
        ...[
          '--release',
          '4.18.0',
          '--cpu',
          'zen4',
          '--cpus',
          '8',
          '--late',
          '1=2ms',
          '--late',
          '3=500',
          '--stuck',
          '2,4',
        ],
        ...['--stuck', '2', '--loglvl', 'info/all', '--debug', '--timeout', '40us', '--nodeps', '--replace'],
      ),
    ).toEqual({
      release: '4.18.0',
      cpu: 'zen4',
      cpus: 8,
      late: { 1: 2_000_000, 3: 500 },
      stuck: [2, 4],
      loglvl: 'info/all',
      debug: true,
      timeout: 40_000,
      nodeps: true,
      replace: true,
    });
    expect(await options('--no-debug')).toEqual({ debug: false });
  });
});

describe('an embedded example', () => {
  it('comes with its image', async () => {
    const { status, calls } = await run(['rehearse', '--example', 'hello']);
    expect(status).toBe(0);
    expect(calls[0]?.payloads.map(({ name, file }) => [name, file])).toEqual([['hello', 'hello.livepatch']]);
    for (const bytes of [calls[0]?.image, calls[0]?.payloads[0]?.bytes]) {
      expect([...(bytes ?? []).slice(0, 4)]).toEqual([0x7f, 0x45, 0x4c, 0x46]);
    }
  });

  it('that depends on another stands on it', async () => {
    const { calls } = await run(['rehearse', '--example', 'stack']);
    expect(calls[0]?.payloads.map(({ name }) => name)).toEqual(['hello', 'stack']);
  });
});

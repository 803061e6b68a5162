import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkSchema, inspectSchema, rehearsalSchema } from '../../src/documents/schemas.ts';
import { examplePath, root } from '../support/examples.ts';
import { documentOf, PROGRAM, xsplice } from './process.ts';

const xen = examplePath('miniature-xen');
const hello = examplePath('hello');
const COMMANDS = ['inspect', 'check', 'build', 'diff', 'rehearse', 'releases', 'examples', 'completion'] as const;

describe('help', () => {
  it.each([[], ...COMMANDS.map((command) => [command])])('of xsplice %s', (...words) => {
    const asked = xsplice([...words, '--help']);
    expect(asked).toMatchObject({ status: 0, stderr: '' });
    expect(asked.stdout).toMatch(words.length === 0 ? /^Usage: xsplice \[options\] \[command\]/ : /\nExamples:\n/);
    expect(asked.stdout).not.toContain('\x1b');
    expect(xsplice(['help', ...words]).stdout).toBe(asked.stdout);
  });

  it('names every command', () => {
    const { stdout } = xsplice(['--help']);
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
  });

  it('goes to standard error when no command is given', () => {
    expect(xsplice([])).toEqual({
      status: 2,
      stdout: '',
      stderr: xsplice(['--help']).stdout.split('\nExamples:')[0],
    });
  });
});

describe('the version', () => {
  it('is that of the package', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(xsplice(['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  });
});

describe('the exit status', () => {
  it.each([
    ['0: accepted', ['check', hello, '--xen', xen], 0],
    ['0: passed', ['rehearse', hello, '--xen', xen], 0],
    ['0: inspected', ['inspect', hello], 0],
    ['0: releases', ['releases'], 0],
    ['1: refused', ['check', examplePath('wrong-build-id'), '--xen', xen], 1],
    ['1: one of two refused', ['check', hello, examplePath('wrong-build-id'), '--xen', xen], 1],
    ['1: unsafe', ['check', hello, '--xen', xen, '--release', '4.18.0'], 1],
    ['1: panicked', ['rehearse', hello, '--xen', xen, '--release', '4.18.0'], 1],
    ['0: hooks are run', ['rehearse', examplePath('hooks'), '--xen', xen], 0],
  ] as const)('%s', (_name, args, status) => {
    const result = xsplice(args);
    expect(result).toMatchObject({ status, stderr: '' });
    expect(result.stdout).not.toBe('');
  });

  it.each([
    ['an unknown command', ['chekc'], /unknown command 'chekc'/],
    ['an unknown option', ['check', hello, '--xen', xen, '--nosuch'], /unknown option '--nosuch'/],
    ['no payload', ['check', '--xen', xen], /missing required argument 'payload'/],
    ['no hypervisor', ['check', hello], /missing --xen XEN-SYMS/],
    ['an unknown release', ['check', hello, '--xen', xen, '--release', '9.9'], /unknown release 9\.9/],
    ['an unknown processor', ['check', hello, '--xen', xen, '--cpu', '8086'], /unknown processor 8086/],
    ['a bad number', ['rehearse', hello, '--xen', xen, '--cpus', '0'], /Expected a number from 1 to/],
    ['a CPU that is not there', ['rehearse', hello, '--xen', xen, '--late', '7=1ms'], /no CPU 7/],
    ['an unknown example', ['rehearse', '--example', 'nosuch'], /unknown example nosuch/],
    ['an example and a file', ['rehearse', '--example', 'hello', hello], /--example includes its/],
  ] as const)('2: %s', (_name, args, message) => {
    const { status, stdout, stderr } = xsplice(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^xsplice: error: /);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^ +at /m);
  });
});

describe('--json', () => {
  const documents = [
    ['rehearse', rehearsalSchema, [hello, '--xen', xen]],
    ['rehearse', rehearsalSchema, [hello, '--xen', xen, '--release', '4.18.0']],
    ['check', checkSchema, [hello, examplePath('not-elf'), '--xen', xen]],
    ['inspect', inspectSchema, [hello, examplePath('not-elf'), examplePath('hooks')]],
  ] as const;
  it.each(documents)('of %s holds to its schema', (command, schema, args) => {
    const { document } = documentOf(command, args);
    expect(schema.parse(document)).toEqual(document);
  });

  it('says the same twice', () => {
    for (const [command, , args] of documents) {
      expect(xsplice([command, '--json', ...args]).stdout).toBe(xsplice([command, '--json', ...args]).stdout);
    }
  });
});

describe('colours', () => {
  const args = ['check', hello, '--xen', xen];

  it('are left out where the output is no terminal, and put in when asked for', () => {
    expect(xsplice(args).stdout).not.toContain('\x1b');
    expect(xsplice([...args, '--color', 'always']).stdout).toContain('\x1b[32maccepted\x1b[39m');
    expect(xsplice(args, { env: { FORCE_COLOR: '1' } }).stdout).toContain('\x1b[32m');
    expect(xsplice(args, { env: { FORCE_COLOR: '1', NO_COLOR: '1' } }).stdout).not.toContain('\x1b');
  });

  /** The same on a terminal: script(1) gives one. */
  const onTerminal = (env: Record<string, string>): string => {
    const command = [process.execPath, PROGRAM, ...args].map((word) => `'${word}'`).join(' ');
    return spawnSync('script', ['-qec', command, '/dev/null'], {
      env: { PATH: process.env['PATH'], TERM: 'xterm', ...env },
      encoding: 'utf8',
      // Not ours: script(1) ends when its input does.
      stdio: ['pipe', 'pipe', 'pipe'],
    }).stdout;
  };

  it('come by themselves on a terminal, unless NO_COLOR or a dumb one', () => {
    expect(onTerminal({})).toContain('\x1b[32maccepted\x1b[39m');
    expect(onTerminal({ NO_COLOR: '1' })).toContain('accepted');
    expect(onTerminal({ NO_COLOR: '1' })).not.toContain('\x1b[3');
    expect(onTerminal({ TERM: 'dumb' })).not.toContain('\x1b[3');
  });
});

describe('completion', () => {
  it.each([
    ['bash', ['bash', '-n']],
    ['sh', ['bash', '-n']],
  ] as const)('%s', (shell, [program, ...args]) => {
    const { status, stdout } = xsplice(['completion', shell]);
    expect(status).toBe(shell === 'sh' ? 2 : 0);
    expect(spawnSync(program, args, { input: stdout, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  });
});

describe('output', () => {
  it('that nobody reads any more ends the program as SIGPIPE would, without a word', async () => {
    const child = spawn(process.execPath, [PROGRAM, 'releases'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const [status] = (await once(child, 'close')) as [number];
    expect({ status, stderr }).toEqual({ status: 141, stderr: '' });
  });

  it('comes complete to a reader that takes its time', async () => {
    const many = Array.from({ length: 200 }, () => hello);
    const child = spawn(process.execPath, [PROGRAM, 'inspect', '--json', ...many], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pieces: Buffer[] = [];
    for await (const piece of child.stdout) {
      pieces.push(piece as Buffer);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const text = Buffer.concat(pieces).toString('utf8');
    expect(text.length).toBeGreaterThan(1 << 18);
    expect(text).toBe(xsplice(['inspect', '--json', ...many]).stdout);
    expect((JSON.parse(text) as { payloads: unknown[] }).payloads).toHaveLength(many.length);
  });
});

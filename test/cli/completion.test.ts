import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { VERSION } from '../../src/cli/version.ts';
import { RELEASES } from '../../src/xen/index.ts';
import { privateDirectory, run } from './support.ts';

const cwd = privateDirectory();
const script = async (shell: string): Promise<string> => {
  const { status, stdout } = await run(['completion', shell]);
  expect(status).toBe(0);
  return stdout;
};
const bash = join(cwd, 'xsplice.bash');
writeFileSync(bash, await script('bash'));
mkdirSync(join(cwd, 'files'));
writeFileSync(join(cwd, 'files/a b.livepatch'), '');

/** What bash would offer for the last of these words. */
function complete(...words: string[]): string[] {
  // `=` breaks words on a command line, as COMP_WORDBREAKS has it.
  const split = words.flatMap((word) => word.split(/(?==)|(?<==)/));
  const commands = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _xsplice; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const out = execFileSync('bash', ['--norc', '-c', commands, 'bash', bash, ...split], { encoding: 'utf8' });
  return out.split('\n').filter((line) => line !== '');
}

/** The program, for what it knows about itself. */
const program = createProgram(
  {
    io: {
      stdout: () => undefined,
      stderr: () => undefined,
      isTTY: false,
      stderrIsTTY: false,
      env: {},
      columns: undefined,
      cwd,
    },
    engine: () => Promise.reject(new Error('not needed here')),
    exit: () => undefined,
  },
  VERSION,
);

describe('bash completion', () => {
  it('is a script that bash can parse and source', () => {
    execFileSync('bash', ['-n', bash]);
    const { status, stderr } = spawnSync('bash', ['--norc', '-uec', `source "$1"; complete -p xsplice`, 'bash', bash], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('offers every command', () => {
    const commands = [...program.commands.map((command) => command.name()), 'help'];
    expect(complete('xsplice', '').sort()).toEqual(commands.sort());
    expect(complete('xsplice', 'in')).toEqual(['inspect']);
    expect(complete('xsplice', '-').sort()).toEqual(['--help', '--version', '-V', '-h']);
  });

  it.each(program.commands.map((command) => [command.name(), command] as const))(
    'offers every option of %s',
    (name, command) => {
      const flags = command.options.flatMap((option) => [option.short, option.long]).filter((flag) => flag != null);
      expect(complete('xsplice', name, '-').sort()).toEqual([...flags, '--help', '-h'].sort());
    },
  );

  it.each([
    ['choices', ['xsplice', 'check', '--color', 'a'], ['auto', 'always']],
    ['choices after =', ['xsplice', 'check', '--color=a'], ['auto', 'always']],
    ['choices after a bare =', ['xsplice', 'check', '--color='], ['auto', 'always', 'never']],
    [
      'releases',
      ['xsplice', 'rehearse', 'x', '--release', '4.18.'],
      RELEASES.map((r) => r.version).filter((v) => v.startsWith('4.18.')),
    ],
    ['processors', ['xsplice', 'check', '--cpu', 'z'], ['zen4']],
    ['examples', ['xsplice', 'rehearse', '--example', 'hel'], ['hello']],
    ['shells', ['xsplice', 'completion', ''], ['bash', 'zsh']],
    ['commands to help with', ['xsplice', 'help', 'rel'], ['releases']],
    ['nothing for free values', ['xsplice', 'rehearse', '--cpus', ''], []],
    ['file names, by leaving them to readline', ['xsplice', 'check', 'files/a'], []],
    ['file names for --xen, the same way', ['xsplice', 'check', '--xen', 'files/a'], []],
    ['nothing more where nothing follows', ['xsplice', 'releases', ''], []],
  ])('offers %s', (_what, words, offered) => {
    expect(complete(...words)).toEqual(offered);
  });

  it('lets readline complete files', () => {
    const spec = execFileSync('bash', ['--norc', '-c', 'source "$1"; complete -p xsplice', 'bash', bash], {
      encoding: 'utf8',
    });
    expect(spec).toContain('-o default');
  });
});

/** Blanks out quoted text: what is left must have balanced brackets, and no quote. */
const unquoted = (text: string): string => text.replaceAll(/'[^']*'|"(?:[^"\\]|\\.)*"|\\./gs, '');

describe('zsh completion', () => {
  it('is well formed', async () => {
    const text = await script('zsh');
    expect(text).toMatch(/^#compdef xsplice\n/);
    const bare = unquoted(text.replaceAll(/^#.*$/gm, ''));
    expect(bare).not.toMatch(/['"]/);
    // A closing parenthesis alone ends the pattern of a case.
    const balanced = bare.replaceAll(/^ *[a-z]+\)$/gm, '');
    for (const [open, close] of ['()', '{}', '[]']) {
      expect(balanced.split(open as string).length, `${open}${close}`).toBe(balanced.split(close as string).length);
    }
    expect(bare.match(/\bcase\b/g)?.length).toBe(bare.match(/\besac\b/g)?.length);
    expect(bare.match(/\bif\b/g)?.length).toBe(bare.match(/\bfi\b/g)?.length);
  });

  it('knows every option of every command, and the values', async () => {
    const text = await script('zsh');
    for (const command of program.commands) {
      const start = text.indexOf(`\n    ${command.name()})\n`);
      const part = text.slice(start, text.indexOf('\n      ;;', start));
      expect(start).toBeGreaterThan(0);
      for (const option of command.options) expect(part).toMatch(new RegExp(`'\\*${option.long}[=[]`));
    }
    expect(text).toContain(':value:(auto always never)');
    expect(text).toContain(`:value:(${RELEASES.map((release) => release.version).join(' ')})`);
    expect(text).toMatch(/'\*--xen=\[.*\]:value:_files'/);
  });

  it('is a script that zsh can parse, where there is a zsh', async () => {
    const text = await script('zsh');
    const path = join(cwd, '_xsplice');
    writeFileSync(path, text);
    const { status, stderr, error } = spawnSync('zsh', ['-f', '-n', path], { encoding: 'utf8' });
    const missing = (error as { code?: string } | undefined)?.code === 'ENOENT';
    expect(missing || status === 0, stderr ?? '').toBe(true);
  });
});

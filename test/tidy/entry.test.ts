import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ROOT } from './tree.ts';

let folder = '';

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'xsplice-entry-')));
  cpSync(join(ROOT, 'bin'), join(folder, 'bin'), { recursive: true });
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the entry beside a bundle made of this text. */
function entry(bundle: string | undefined, args: readonly string[]) {
  if (bundle !== undefined) {
    mkdirSync(join(folder, 'dist/cli'), { recursive: true });
    writeFileSync(join(folder, 'dist/cli/xsplice.cjs'), bundle);
  }
  return spawnSync(process.execPath, [join(folder, 'bin/xsplice.js'), ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 24,
  });
}

describe('bin/xsplice.js', () => {
  it('says what to run where there is no bundle', () => {
    const { status, stderr, stdout } = entry(undefined, []);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('npm run build');
    expect(stderr.split('\n')).toHaveLength(2);
  });

  it('hands over the arguments and the process, and ends with the status of main', () => {
    // The build makes ASCII.
    const bundle = `exports.main = async (argv, io) => {
      io.stdout(JSON.stringify({ argv, isTTY: io.isTTY, columns: io.columns ?? null, cwd: io.cwd }));
      io.stderr('gr\\u00fc\\u00dfe');
      return 7;
    };`;
    const { status, stderr, stdout } = entry(bundle, ['a', '--b']);
    expect({ status, stderr }).toEqual({ status: 7, stderr: 'grüße' });
    expect(JSON.parse(stdout)).toEqual({ argv: ['a', '--b'], isTTY: false, columns: null, cwd: process.cwd() });
  });

  it('runs a bundle whose code cache is from elsewhere', () => {
    mkdirSync(join(folder, 'dist/cli'), { recursive: true });
    writeFileSync(join(folder, 'dist/cli/xsplice.cjs.cache'), 'no cache at all');
    expect(entry('exports.main = async () => 3;', []).status).toBe(3);
  });

  it('writes more than a pipe holds', () => {
    const size = 3_000_000;
    const { stdout } = entry(`exports.main = async (_, io) => { io.stdout('x'.repeat(${size})); return 0; };`, []);
    expect(stdout).toHaveLength(size);
  });
});

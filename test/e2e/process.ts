/** xsplice as its users have it: the built program, run as a process. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { CheckReport, InspectReport, RehearsalReport } from '../../src/documents/index.ts';
import { root } from '../support/examples.ts';

export const PROGRAM = join(root, 'bin/xsplice.js');

if (!existsSync(join(root, 'dist/cli/xsplice.cjs'))) throw new Error('dist/ is missing: run `npm run build` first');

export interface Result {
  /** Null where a signal ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The script; this checkout's own unless given. */
  readonly program?: string;
}

/** Longer than any command takes, by far: what hangs fails. */
const PATIENCE_MS = 20_000;

/** Runs `xsplice ARGS` with nothing of our own environment but PATH. Throws where it does not come to an end. */
export function xsplice(args: readonly string[], { cwd = root, env = {}, program = PROGRAM }: RunOptions = {}): Result {
  const { error, status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], ...env },
    encoding: 'utf8',
    maxBuffer: 256 << 20,
    timeout: PATIENCE_MS,
  });
  if (error !== undefined) throw error;
  return { status, stdout, stderr };
}

interface Documents {
  readonly rehearse: RehearsalReport;
  readonly check: CheckReport;
  readonly inspect: InspectReport;
}

/** `xsplice COMMAND --json ARGS`: the document and the exit status. What is said on standard error is an error here. */
export function documentOf<C extends keyof Documents>(
  command: C,
  args: readonly string[],
): { status: number | null; document: Documents[C] } {
  const { status, stdout, stderr } = xsplice([command, '--json', ...args]);
  if (stderr !== '') throw new Error(stderr);
  return { status, document: JSON.parse(stdout) as Documents[C] };
}

/** A folder for one test file, gone afterwards. */
export function privateFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'xsplice-e2e-'));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

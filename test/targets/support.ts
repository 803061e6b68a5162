import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { XspliceError } from '../../src/base/index.ts';
import { main } from '../../src/cli/main.ts';

/** Makes a folder for this test file to use as TMPDIR; anything in it afterwards was left behind. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'xsplice-targets-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const readIfThere = (path: string): string => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
};

/** Returns the process ids of everything that runs with this TMPDIR, without the tests themselves and zombies. */
export function processesWith(temporary: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => readIfThere(`/proc/${name}/environ`).split('\0').includes(`TMPDIR=${temporary}`))
    .map(Number);
}

/** Does this process run? A zombie does not. */
export function runs(pid: number): boolean {
  const state = /^State:\s+(\w)/m.exec(readIfThere(`/proc/${pid}/status`))?.[1];
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/** Waits up to `ms` for a condition; returns whether it became true. */
export async function eventually(holds: () => boolean, ms: number): Promise<boolean> {
  for (const end = performance.now() + ms; performance.now() < end; ) {
    if (holds()) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return holds();
}

/** Returns the environment failure that a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<XspliceError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof XspliceError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

/** Runs the command line in this process and in a folder, with its output to a pipe. */
export const xspliceIn =
  (cwd: string) =>
  async (...argv: string[]): Promise<{ status: number; stdout: string; stderr: string }> => {
    let [stdout, stderr] = ['', ''];
    const status = await main(argv, {
      stdout: (text) => {
        stdout += text;
      },
      stderr: (text) => {
        stderr += text;
      },
      isTTY: false,
      stderrIsTTY: false,
      env: {},
      columns: undefined,
      cwd,
    });
    return { status, stdout, stderr };
  };

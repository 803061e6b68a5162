import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { XspliceError } from '../../src/base/index.ts';
import { main } from '../../src/cli/main.ts';

/** A folder of this test file's own, for use as TMPDIR: what is in it afterwards was left behind. */
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

/** Process ids of everything that runs with this TMPDIR, the tests themselves left out. Zombies do not count. */
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

/** Waits until something holds, for so long; returns whether it does. */
export async function eventually(holds: () => boolean, ms: number): Promise<boolean> {
  for (const end = performance.now() + ms; performance.now() < end; ) {
    if (holds()) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return holds();
}

/** The environment failure that a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<XspliceError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof XspliceError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

/** The command line in this process, in a folder: what a pipe would get of it. */
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

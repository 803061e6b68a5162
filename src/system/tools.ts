import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';
import { XspliceError } from '../base/index.ts';
import { atExit } from './cleanup.ts';

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Programs that we run, and their Debian packages. */
const PACKAGES: Readonly<Record<string, string>> = {
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-system-aarch64': 'qemu-system-arm',
  'qemu-system-arm': 'qemu-system-arm',
  'apt-get': 'apt',
  'apt-cache': 'apt',
  dpkg: 'dpkg',
  'dpkg-deb': 'dpkg',
  'dpkg-source': 'dpkg-dev',
  tar: 'tar',
  make: 'make',
  flex: 'flex',
  bison: 'bison',
  python3: 'python3',
  gcc: 'gcc',
  clang: 'clang',
  objcopy: 'binutils',
  'x86_64-linux-gnu-gcc': 'gcc-x86-64-linux-gnu',
  'x86_64-linux-gnu-objcopy': 'binutils-x86-64-linux-gnu',
  'aarch64-linux-gnu-gcc': 'gcc-aarch64-linux-gnu',
  'aarch64-linux-gnu-objcopy': 'binutils-aarch64-linux-gnu',
  'arm-linux-gnueabihf-objcopy': 'binutils-arm-linux-gnueabihf',
  'arm-linux-gnueabihf-gcc': 'gcc-arm-linux-gnueabihf',
  ld: 'binutils',
  'x86_64-linux-gnu-ld': 'binutils-x86-64-linux-gnu',
  'aarch64-linux-gnu-ld': 'binutils-aarch64-linux-gnu',
  'arm-linux-gnueabihf-ld': 'binutils-arm-linux-gnueabihf',
};

/** Returns the error to throw if a program cannot be started. */
export function cannotRun(program: string, error: NodeJS.ErrnoException): XspliceError {
  if (error.code !== 'ENOENT') return new XspliceError('ETOOL', `cannot run ${program}: ${error.message}`);
  const name = PACKAGES[program];
  const hint =
    name === undefined
      ? undefined
      : name === 'apt'
        ? 'xsplice downloads packages on Debian 12 and its derivatives only. On other systems, copy the cache of such a machine.'
        : `On Debian and Ubuntu: sudo apt-get install --no-install-recommends ${name}`;
  return new XspliceError('ETOOL', `${program} is not installed, or not on PATH`, hint);
}

/** Returns the error to throw after the caller's signal aborted. */
export const interrupted = (): XspliceError => new XspliceError('ETOOL', 'interrupted');

/** Throws if the signal has already fired. */
export function throwIfInterrupted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw interrupted();
}

/** Throws if any of these programs is not on PATH. The message lists all missing ones and their packages. Call it before long work. */
export function requireTools(programs: readonly string[], env: Environment, what: string): void {
  const folders = (env['PATH'] ?? '').split(delimiter);
  const missing = programs.filter((program) => !folders.some((folder) => existsSync(join(folder, program))));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((program) => PACKAGES[program] ?? program))].join(' ');
  const hint = `On Debian and Ubuntu: sudo apt-get install --no-install-recommends ${packages}`;
  throw new XspliceError('ETOOL', `${what} needs ${missing.join(', ')}: not installed, or not on PATH`, hint);
}

export interface ToolOptions {
  readonly env: Environment;
  readonly cwd?: string;
  readonly signal?: AbortSignal | undefined;
  /** Time limit in milliseconds; none by default. */
  readonly timeout?: number;
  /** Receives each line of standard output as it is printed. */
  readonly onLine?: (line: string) => void;
  /** Receives standard error as it is written. */
  readonly onError?: (text: string) => void;
}

/** Maximum output to keep from a tool, in characters. */
const OUTPUT = 1 << 20;

/** Starts a tool. Its output is a stream; `done` resolves at its end. */
function start(program: string, args: readonly string[], options: ToolOptions, stdin: 'ignore' | 'pipe') {
  throwIfInterrupted(options.signal);
  const { env, cwd } = options;
  const child = spawn(program, args, {
    env: { ...env, LC_ALL: 'C' },
    ...(cwd === undefined ? {} : { cwd }),
    stdio: [stdin, 'pipe', 'pipe'],
    // A process group of its own, so that we can end its children too.
    detached: true,
  });
  return { child, done: ended(child, program, options) };
}

/** Ends a tool and its children. */
function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

async function ended(child: ChildProcess, program: string, { signal, timeout, onError }: ToolOptions): Promise<void> {
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-2000);
    onError?.(text);
  });
  const kill = (): void => killGroup(child);
  let late = false;
  const timer =
    timeout === undefined
      ? undefined
      : setTimeout(() => {
          late = true;
          kill();
        }, timeout);
  signal?.addEventListener('abort', kill);
  const settled = atExit(kill);
  try {
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once('error', (error) => reject(cannotRun(program, error)));
      child.once('close', resolve);
    });
    throwIfInterrupted(signal);
    if (late)
      throw new XspliceError('ETOOL', `${program} exceeded its time limit of ${(timeout ?? 0) / 60_000} minutes`);
    if (status !== 0) throw new XspliceError('ETOOL', `${program} failed: ${stderr.trim() || `status ${status}`}`);
  } finally {
    clearTimeout(timer);
    settled();
    signal?.removeEventListener('abort', kill);
  }
}

/** Runs a tool to its end and returns its output. Throws an XspliceError (ETOOL) if it is missing, fails or is interrupted. */
export async function runTool(program: string, args: readonly string[], options: ToolOptions): Promise<string> {
  const { child, done } = start(program, args, options, 'ignore');
  let output = '';
  let rest = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    if (output.length < OUTPUT) output += text;
    if (options.onLine === undefined) return;
    const lines = (rest + text).split('\n');
    rest = (lines.pop() ?? '').slice(0, OUTPUT);
    for (const line of lines) options.onLine(line);
  });
  await done;
  return output;
}

/** Runs two tools in a pipe. Throws like {@link runTool}. */
export async function runPipe(
  [first, ...firstArgs]: readonly [string, ...string[]],
  [second, ...secondArgs]: readonly [string, ...string[]],
  options: ToolOptions,
): Promise<void> {
  const from = start(first, firstArgs, options, 'ignore');
  const to = start(second, secondArgs, options, 'pipe');
  // If the reader ends early, its own error is reported below.
  to.child.stdin?.on('error', () => killGroup(from.child));
  (from.child.stdout as Readable).pipe(to.child.stdin as NodeJS.WritableStream);
  to.child.stdout?.resume();
  const [a, b] = await Promise.allSettled([from.done, to.done]);
  for (const result of [b, a]) if (result.status === 'rejected') throw result.reason;
}

import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { XspliceError } from '../base/index.ts';

/** Clean-up for an early exit: processes to kill, folders to remove. */
const pending = new Set<() => void>();

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function undoAll(): void {
  for (const undo of [...pending].reverse()) undo();
  pending.clear();
}

function onSignal(signal: NodeJS.Signals): void {
  undoAll();
  uninstall();
  // With no other listener, the signal would have ended this process, so end it.
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
}

function install(): void {
  process.on('exit', undoAll);
  for (const signal of SIGNALS) process.on(signal, onSignal);
}

function uninstall(): void {
  process.off('exit', undoAll);
  for (const signal of SIGNALS) process.off(signal, onSignal);
}

/** Calls `undo` if this process ends, by itself or by a signal, before the returned function is called. `undo` must be synchronous. */
export function atExit(undo: () => void): () => void {
  if (pending.size === 0) install();
  pending.add(undo);
  return () => {
    if (pending.delete(undo) && pending.size === 0) uninstall();
  };
}

/** Makes a folder that only this user can enter. `remove` deletes it, and so does the end of this process. */
export function privateFolder(prefix: string): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(prefix);
  const undo = (): void => rmSync(path, { recursive: true, force: true });
  const settled = atExit(undo);
  return {
    path,
    remove: () => {
      undo();
      settled();
    },
  };
}

/** Opens a new file without a name: nobody else can open it, and it disappears with its last descriptor, however that closes. */
export function namelessFile(env: Readonly<Record<string, string | undefined>>): number {
  const parent = env['TMPDIR'] || tmpdir();
  try {
    const folder = mkdtempSync(join(parent, 'xsplice-'));
    try {
      return openSync(join(folder, 'file'), 'wx+', 0o600);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  } catch (error) {
    throw fileFailure(error, `cannot create a temporary folder in ${parent}`, 'Set TMPDIR to a writable folder.');
  }
}

/** Turns a file system error into an XspliceError; returns any other error as it is. */
export function fileFailure(error: unknown, what: string, hint: string): unknown {
  if (!(error instanceof Error) || !('syscall' in error)) return error;
  return new XspliceError('EFILE', `${what}: ${error.message}`, hint);
}

import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { XspliceError } from '../base/index.ts';

/** Clean-up for an early end of this process: processes to kill, folders to remove. */
const pending = new Set<() => void>();

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function undoAll(): void {
  for (const undo of [...pending].reverse()) undo();
  pending.clear();
}

function onSignal(signal: NodeJS.Signals): void {
  undoAll();
  uninstall();
  // Without a listener of somebody else's, the signal would have ended this process: so it does.
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

/**
 * Has `undo` called where this process ends, by itself or by a signal, before the returned function was called. `undo`
 * does its work at once: nothing can be waited for any more.
 */
export function atExit(undo: () => void): () => void {
  if (pending.size === 0) install();
  pending.add(undo);
  return () => {
    if (pending.delete(undo) && pending.size === 0) uninstall();
  };
}

/** A new folder that only this user can enter. `remove` takes it away, and so does the end of this process. */
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

/**
 * Opens a new file that has no name: nobody else can open it, and it is gone when the last descriptor is closed, however
 * that comes about.
 */
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

/** An error of the file system as what it is for a user; any other error stays as it is. */
export function fileFailure(error: unknown, what: string, hint: string): unknown {
  if (!(error instanceof Error) || !('syscall' in error)) return error;
  return new XspliceError('EFILE', `${what}: ${error.message}`, hint);
}

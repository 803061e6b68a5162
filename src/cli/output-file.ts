import { createHash, randomBytes } from 'node:crypto';
import { closeSync, openSync, realpathSync, renameSync, rmSync, type Stats, statSync, writeSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { XspliceError } from '../base/index.ts';
import type { WrittenPayload } from '../documents/index.ts';
import { toByteString } from './byte-string.ts';
import { fileError } from './files.ts';

/** An output file, written atomically. */
export interface OutputFile {
  /** Writes the file. Throws an XspliceError (EFILE). */
  write(bytes: Uint8Array): WrittenPayload;
  /** Removes the file of an earlier run, so that nobody takes it for the result of this one. */
  remove(): void;
}

/**
 * Checks the path of an output file. Throws an XspliceError: EFILE if its folder is missing or it is not a regular file, EUSAGE if it is the
 * same file as one of `inputs`.
 */
export function outputFile(path: string, cwd: string, inputs: readonly string[]): OutputFile {
  if (path === '' || path.includes('\0'))
    throw new XspliceError('EUSAGE', 'invalid name for an output file', 'use a name that is not empty and has no NUL');
  const target = realPath(resolve(cwd, path));
  const folder = statOf(dirname(target), path);
  if (folder?.isDirectory() !== true)
    throw new XspliceError('EFILE', `${path}: its directory does not exist`, 'create the directory first');
  const there = statOf(target, path);
  if (there !== undefined && !there.isFile()) {
    const what = there.isDirectory() ? 'is a directory' : 'not a regular file';
    throw new XspliceError('EFILE', `${path}: ${what}`, 'give the name of a file to write');
  }
  const same = inputs.find((input) => {
    const stat = statOf(resolve(cwd, input), input);
    return stat !== undefined && stat.ino === there?.ino && stat.dev === there.dev;
  });
  if (same !== undefined) {
    throw new XspliceError('EUSAGE', `${path} would overwrite the input ${same}`, 'give another output file');
  }
  return {
    write: (bytes) => {
      replaceFile(target, path, bytes);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      return { file: toByteString(path), bytes: bytes.length, sha256 };
    },
    remove: () => {
      try {
        rmSync(target, { force: true });
      } catch (error) {
        throw fileError(path, error);
      }
    },
  };
}

function statOf(path: string, shown: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw fileError(shown, error);
  }
}

/** Resolves links. Returns the path itself if nothing is there yet. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Replaces the file with a rename: readers see the old file or the new one, never a part. */
function replaceFile(target: string, path: string, bytes: Uint8Array): void {
  const unfinished = `${target}.${randomBytes(6).toString('hex')}.new`;
  try {
    const descriptor = openSync(unfinished, 'wx', 0o666);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
    } finally {
      closeSync(descriptor);
    }
    renameSync(unfinished, target);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw fileError(path, error);
  }
}

import { createHash, randomBytes } from 'node:crypto';
import { closeSync, openSync, realpathSync, renameSync, rmSync, type Stats, statSync, writeSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { XspliceError } from '../base/index.ts';
import type { WrittenPayload } from '../documents/index.ts';
import { toByteString } from './byte-string.ts';
import { fileError } from './files.ts';

/** A file that a command makes: it is there with all of its contents, or not at all. */
export interface OutputFile {
  /** Puts the bytes there. Throws an XspliceError (EFILE). */
  write(bytes: Uint8Array): WrittenPayload;
  /** Takes away what an earlier run has left there, which would be taken for the result of this one. */
  remove(): void;
}

/**
 * Looks at the place of a file that is to be made. Throws an XspliceError: EFILE where there is something else than a file, EUSAGE where it is
 * one of `inputs`, by whatever path.
 */
export function outputFile(path: string, cwd: string, inputs: readonly string[]): OutputFile {
  if (path === '' || path.includes('\0')) throw new XspliceError('EUSAGE', 'an empty name is no file to write');
  const target = realPath(resolve(cwd, path));
  const folder = statOf(dirname(target), path);
  if (folder?.isDirectory() !== true) throw new XspliceError('EFILE', `${path}: its directory is not there`);
  const there = statOf(target, path);
  if (there !== undefined && !there.isFile()) {
    const what = there.isDirectory() ? 'is a directory' : 'not a regular file';
    throw new XspliceError('EFILE', `${path}: ${what}`, 'name the file that is to be written');
  }
  const same = inputs.find((input) => {
    const stat = statOf(resolve(cwd, input), input);
    return stat !== undefined && stat.ino === there?.ino && stat.dev === there.dev;
  });
  if (same !== undefined) {
    throw new XspliceError('EUSAGE', `${path} would be written over ${same}, which is read`, 'name another file');
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

/** Where a link leads to; a file that is not there yet is its own place. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Whoever looks meanwhile sees the old file or the new one, never a part. */
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

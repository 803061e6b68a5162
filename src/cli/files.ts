import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { XspliceError } from '../base/index.ts';
import type { PayloadInput } from '../payload/index.ts';
import { toByteString } from './byte-string.ts';

const MIB = 1024 * 1024;

/**
 * No payload is read beyond this. Xen's own limit is 2 MiB (LIVEPATCH_MAX_SIZE), refused by the hypervisor with -EINVAL
 * and not a word, and that refusal is what the user has to see: so what is larger than Xen takes is read and handed on.
 */
export const PAYLOAD_CAP = 64 * MIB;

/** No image is read beyond this; a xen-syms with debug information has some 30 MB. */
export const IMAGE_CAP = 512 * MIB;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'is a directory',
  ENOTDIR: 'a part of the path is not a directory',
  ELOOP: 'too many symbolic links',
  ENAMETOOLONG: 'the name is too long',
  EMFILE: 'too many open files',
  EIO: 'the device reports an error',
  ENXIO: 'not a regular file',
};

/** What the system says of a path that cannot be read, in words. */
export function fileError(path: string, error: unknown): XspliceError {
  const code = (error as { code?: unknown }).code;
  const name = typeof code === 'string' ? code : 'unknown error';
  return new XspliceError('EFILE', `${path}: ${REASONS[name] ?? name}`);
}

const sizeText = (bytes: number): string =>
  bytes < MIB ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / MIB).toFixed(0)} MiB`;

/**
 * The bytes of a regular file. Throws an XspliceError (EFILE) for anything else: a directory, a device, a FIFO (it is
 * opened without waiting for a writer), a file larger than `cap`.
 */
export function readBounded(path: string, cwd: string, cap: number, what: string): Uint8Array {
  if (path === '') throw new XspliceError('EUSAGE', `an empty name is no ${what}`);
  if (path.includes('\0')) throw new XspliceError('EFILE', `${path}: no such file`);
  let descriptor: number;
  try {
    // Opening a FIFO must not wait for a writer.
    descriptor = openSync(resolve(cwd, path), constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw fileError(path, error);
  }
  try {
    const stat = fstatSync(descriptor);
    if (stat.isDirectory()) throw new XspliceError('EFILE', `${path}: is a directory`, `give a ${what} file`);
    if (!stat.isFile()) throw new XspliceError('EFILE', `${path}: not a regular file`, `give a ${what} file`);
    if (stat.size > cap) {
      const size = sizeText(stat.size);
      throw new XspliceError('EFILE', `${path}: ${size} is too large for a ${what}; at most ${sizeText(cap)} are read`);
    }
    const bytes = new Uint8Array(stat.size);
    let filled = 0;
    while (filled < bytes.length) {
      const got = readSync(descriptor, bytes, filled, bytes.length - filled, filled);
      if (got === 0) break;
      filled += got;
    }
    return filled === bytes.length ? bytes : bytes.subarray(0, filled);
  } catch (error) {
    throw error instanceof XspliceError ? error : fileError(path, error);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Reads payloads. `nameOf` is `payloadName` of payload/, handed in so that this file does not load the simulator: each
 * payload is named after its file, as `xen-livepatch load` does.
 */
export const readPayloads = (paths: readonly string[], cwd: string, nameOf: (path: string) => string): PayloadInput[] =>
  paths.map((path) => ({
    file: toByteString(path),
    name: toByteString(nameOf(path)),
    bytes: readBounded(path, cwd, PAYLOAD_CAP, 'payload'),
  }));

/** Reads the hypervisor's image, a `xen-syms`. */
export const readImage = (path: string, cwd: string): Uint8Array => readBounded(path, cwd, IMAGE_CAP, 'xen-syms');

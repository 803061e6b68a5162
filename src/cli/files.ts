import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { XspliceError } from '../base/index.ts';
import type { PayloadInput } from '../payload/index.ts';
import { toByteString } from './byte-string.ts';

const MIB = 1024 * 1024;

/**
 * Upper bound of a payload file, in bytes. Far above Xen's own limit of 2 MiB (LIVEPATCH_MAX_SIZE), so that the user sees
 * Xen's refusal: -EINVAL, without a console line.
 */
export const PAYLOAD_CAP = 64 * MIB;

/** Upper bound of a xen-syms, in bytes. One with debug information has some 30 MB. */
export const IMAGE_CAP = 512 * MIB;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'is a directory',
  ENOTDIR: 'part of the path is not a directory',
  ELOOP: 'too many symbolic links',
  ENAMETOOLONG: 'file name too long',
  EMFILE: 'too many open files',
  EIO: 'input/output error',
  ENXIO: 'not a regular file',
};

/** Converts a file system error to an XspliceError (EFILE) in words. */
export function fileError(path: string, error: unknown): XspliceError {
  const code = (error as { code?: unknown }).code;
  const name = typeof code === 'string' ? code : 'unknown error';
  return new XspliceError('EFILE', `${path}: ${REASONS[name] ?? name}`);
}

const sizeText = (bytes: number): string =>
  bytes < MIB ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / MIB).toFixed(0)} MiB`;

/**
 * Reads a regular file. Throws an XspliceError (EFILE) for anything else: a directory, a device, a FIFO, a file larger than
 * `cap` bytes. `what` names the kind of file in the error.
 */
export function readBounded(path: string, cwd: string, cap: number, what: string): Uint8Array {
  if (path === '') throw new XspliceError('EUSAGE', `empty file name for a ${what}`);
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
    if (stat.isDirectory()) throw new XspliceError('EFILE', `${path}: is a directory`, `name a ${what} file`);
    if (!stat.isFile()) throw new XspliceError('EFILE', `${path}: not a regular file`, `name a ${what} file`);
    if (stat.size > cap) {
      const size = sizeText(stat.size);
      throw new XspliceError('EFILE', `${path}: ${size} is too large for a ${what}; the limit is ${sizeText(cap)}`);
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
 * Reads payloads and names each after its file, as `xen-livepatch load` does. The caller passes `payloadName` of `payload/`
 * as `nameOf`, so that this file does not load the simulator.
 */
export const readPayloads = (paths: readonly string[], cwd: string, nameOf: (path: string) => string): PayloadInput[] =>
  paths.map((path) => ({
    file: toByteString(path),
    name: toByteString(nameOf(path)),
    bytes: readBounded(path, cwd, PAYLOAD_CAP, 'payload'),
  }));

/** Reads the hypervisor's image, a `xen-syms`. */
export const readImage = (path: string, cwd: string): Uint8Array => readBounded(path, cwd, IMAGE_CAP, 'xen-syms');

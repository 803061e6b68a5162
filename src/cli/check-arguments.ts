import { closeSync, constants, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { XspliceError } from '../base/index.ts';
import { filesIn, isFolder, tooMany } from './folder.ts';

/** Is one of the arguments a folder? */
export const hasFolder = (paths: readonly string[], cwd: string): boolean => paths.some((path) => isFolder(path, cwd));

/** Most payloads, and most hypervisors, of one check. */
const MOST = { payloads: 10_000, hypervisors: 1000 } as const;

/**
 * The payloads that are meant: files as they are, of a folder those in it and below it that end in `.livepatch`, sorted. Each once, in the
 * order of the arguments. Throws an XspliceError: EFILE for a folder that cannot be read, EUSAGE for one without payloads, or with too many.
 */
export const findPayloads = (paths: readonly string[], cwd: string): string[] =>
  find(paths, cwd, MOST.payloads, {
    wanted: (name) => name.endsWith('.livepatch'),
    holds: () => true,
    what: 'payloads',
    hint: 'payloads are files that end in .livepatch',
  });

/**
 * The hypervisors that are meant, in the same way: of a folder the ELF files whose names begin with `xen-syms`, as Xen's build and the
 * distributions name them. The map beside them (`xen-syms.map`) is none.
 */
export const findHypervisors = (paths: readonly string[], cwd: string): string[] =>
  find(paths, cwd, MOST.hypervisors, {
    wanted: (name) => name.startsWith('xen-syms'),
    holds: (path) => isElf(resolve(cwd, path)),
    what: 'hypervisors',
    hint: 'hypervisors are ELF files whose names begin with xen-syms',
  });

interface Kind {
  /** By the name. */
  readonly wanted: (name: string) => boolean;
  /** By what is in the file. */
  readonly holds: (path: string) => boolean;
  readonly what: string;
  readonly hint: string;
}

function find(paths: readonly string[], cwd: string, most: number, { wanted, holds, what, hint }: Kind): string[] {
  const found: string[] = [];
  for (const path of paths) {
    if (!isFolder(path, cwd)) {
      found.push(path);
      continue;
    }
    const inside = filesIn(path, cwd, wanted).filter(holds);
    if (inside.length === 0) throw new XspliceError('EUSAGE', `${path}: is a directory without ${what}`, hint);
    found.push(...inside);
  }
  const once = [...new Set(found)];
  if (once.length > most) throw tooMany(paths.join(' '), most, what);
  return once;
}

/** Does the file begin as ELF files do? What cannot be read does not. */
function isElf(path: string): boolean {
  const magic = new Uint8Array(4);
  try {
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    try {
      if (readSync(descriptor, magic, 0, magic.length, 0) < magic.length) return false;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return false;
  }
  return magic[0] === 0x7f && magic[1] === 0x45 && magic[2] === 0x4c && magic[3] === 0x46;
}

import { closeSync, constants, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { XspliceError } from '../base/index.ts';
import { filesIn, isFolder, tooMany } from './folder.ts';

/** Returns true if one of the arguments is a folder. */
export const hasFolder = (paths: readonly string[], cwd: string): boolean => paths.some((path) => isFolder(path, cwd));

/** Limits of one check. */
const MOST = { payloads: 10_000, hypervisors: 1000 } as const;

/**
 * Expands the arguments to payload files: a file is itself, a folder is every `*.livepatch` in and below it, sorted. Drops duplicates. Throws
 * an XspliceError: EFILE for a folder that cannot be read, EUSAGE for one without payloads or with too many.
 */
export const findPayloads = (paths: readonly string[], cwd: string): string[] =>
  find(paths, cwd, MOST.payloads, {
    wanted: (name) => name.endsWith('.livepatch'),
    matches: () => true,
    what: 'payloads',
    hint: 'xsplice looks for files named *.livepatch',
  });

/**
 * Expands the arguments to hypervisors in the same way. In a folder, these are ELF files named `xen-syms*`, as Xen's build and the
 * distributions name them; `xen-syms.map` is not ELF.
 */
export const findHypervisors = (paths: readonly string[], cwd: string): string[] =>
  find(paths, cwd, MOST.hypervisors, {
    wanted: (name) => name.startsWith('xen-syms'),
    matches: (path) => isElf(resolve(cwd, path)),
    what: 'hypervisors',
    hint: 'xsplice looks for ELF files named xen-syms*',
  });

interface Kind {
  /** Selects files by name. */
  readonly wanted: (name: string) => boolean;
  /** Selects files by content. */
  readonly matches: (path: string) => boolean;
  readonly what: string;
  readonly hint: string;
}

function find(paths: readonly string[], cwd: string, most: number, { wanted, matches, what, hint }: Kind): string[] {
  const found: string[] = [];
  for (const path of paths) {
    if (!isFolder(path, cwd)) {
      found.push(path);
      continue;
    }
    const inside = filesIn(path, cwd, wanted).filter(matches);
    if (inside.length === 0) throw new XspliceError('EUSAGE', `${path}: is a directory that contains no ${what}`, hint);
    found.push(...inside);
  }
  const once = [...new Set(found)];
  if (once.length > most) throw tooMany(paths.join(' '), most, what);
  return once;
}

/** Returns true if the file starts with the ELF magic. False if it cannot be read. */
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

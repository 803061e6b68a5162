import { join, relative, resolve, sep } from 'node:path';
import type { Finding } from '../base/index.ts';
import { equalBytes, XspliceError } from '../base/index.ts';
import type { ObjectPair } from '../diff/index.ts';
import { about } from '../diff/index.ts';
import { isProblem, readElf } from '../elf/index.ts';
import { toByteString } from './byte-string.ts';
import { readBounded } from './files.ts';
import { filesIn, isFolder } from './folder.ts';

const MIB = 1024 * 1024;

/** Limits. An object of Xen with debug information has some 300 KB; a build has 420 objects. */
const MOST = { object: 64 * MIB, kept: 1024 * MIB, objects: 20_000 } as const;

/**
 * Objects of a Xen build that add no code to the running hypervisor: combined objects, tables that each link regenerates, and trial
 * compilations. Source: livepatch-build-tools, livepatch-gcc.
 */
const LEFT_OUT = /^(?:built[_-]in|prelink|buildid|check)\.o$|\.xen-syms\..*\.o$|\.xen\.efi\..*\.o$/;

/** Objects that are freed after boot: the build makes `boot.init.o` from `boot.o`. Source: xen/Rules.mk, `%.init.o`. */
const INIT = /\.init\.o$/;

/** Pairs of objects with the same name. */
export interface FoundPairs {
  /** The pairs that differ; a single pair even if it does not. */
  readonly pairs: readonly ObjectPair[];
  /** Number of pairs compared, and of those that are identical. */
  readonly compared: number;
  readonly identical: number;
  /** True if the user gave folders and did not choose each object. */
  readonly fromFolders: boolean;
}

/**
 * Reads two objects, or two folders, where objects with the same relative path are a pair; keeps only pairs that differ. Throws an
 * XspliceError: EFILE for an unreadable file, EUSAGE for a file and a folder, or if a limit is exceeded.
 */
export function readObjectPairs(orig: string, patched: string, cwd: string): FoundPairs {
  const folders = [orig, patched].filter((path) => isFolder(path, cwd));
  if (folders.length === 1) {
    const hint = 'give two objects, or two folders of objects';
    throw new XspliceError('EUSAGE', `${folders[0]} is a directory and the other argument is not`, hint);
  }
  if (folders.length === 2) return pairsOf(orig, patched, cwd);
  const pair = {
    object: toByteString(commonEnd(orig, patched)),
    orig: readObject(orig, cwd),
    patched: readObject(patched, cwd),
  };
  return { pairs: [pair], compared: 1, identical: equalBytes(pair.orig, pair.patched) ? 1 : 0, fromFolders: false };
}

const readObject = (path: string, cwd: string): Uint8Array => readBounded(path, cwd, MOST.object, 'compiled object');

/** Returns the common end of two paths: `common/domctl.o` for `before/common/domctl.o` and `after/common/domctl.o`. */
function commonEnd(orig: string, patched: string): string {
  const a = orig.split('/').filter((part) => part !== '');
  const b = patched.split('/').filter((part) => part !== '');
  let count = 0;
  while (count < Math.min(a.length, b.length) && a.at(-1 - count) === b.at(-1 - count)) count++;
  return b.slice(-Math.max(count, 1)).join('/');
}

function pairsOf(orig: string, patched: string, cwd: string): FoundPairs {
  const [before, after] = [objectsIn(orig, cwd), objectsIn(patched, cwd)];
  const names = [...new Set([...before, ...after])].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  if (names.length === 0) {
    throw new XspliceError('EUSAGE', `no objects in ${orig} and ${patched}`, 'xsplice looks for files named *.o');
  }
  const pairs: ObjectPair[] = [];
  let kept = 0;
  for (const name of names) {
    const read = (folder: string, there: ReadonlySet<string>): Uint8Array | null =>
      there.has(name) ? readObject(join(folder, name), cwd) : null;
    const pair = { object: toByteString(name), orig: read(orig, before), patched: read(patched, after) };
    if (pair.orig !== null && pair.patched !== null && equalBytes(pair.orig, pair.patched)) continue;
    pairs.push(pair);
    kept += (pair.orig?.length ?? 0) + (pair.patched?.length ?? 0);
    if (kept > MOST.kept) {
      const hint = 'copy the objects that the patch touches into two folders, and compare those';
      throw new XspliceError('EUSAGE', `the objects that differ exceed ${MOST.kept / MIB} MiB`, hint);
    }
  }
  return { pairs, compared: names.length, identical: names.length - pairs.length, fromFolders: true };
}

/** Returns the paths of the objects in and below a folder, relative to it, with `/`. */
function objectsIn(folder: string, cwd: string): Set<string> {
  // Objects may start with `_`. Names that start with `.` are temporary files of the build.
  const paths = filesIn(folder, cwd, (name) => name.endsWith('.o') && !LEFT_OUT.test(name), /^\./);
  if (paths.length > MOST.objects) {
    throw new XspliceError('EUSAGE', `${folder}: more than ${MOST.objects} objects`, 'name a smaller folder');
  }
  const gone = new Set(paths.filter((path) => INIT.test(path)).map((path) => path.replace(INIT, '.o')));
  const top = resolve(cwd, folder);
  return new Set(
    paths
      .filter((path) => !INIT.test(path) && !gone.has(path))
      .map((path) => relative(top, resolve(cwd, path)).split(sep).join('/')),
  );
}

/** The pairs for the hypervisor's machine, and remarks about the others. */
export interface OwnPairs {
  readonly pairs: readonly ObjectPair[];
  readonly remarks: readonly Finding[];
}

/**
 * Drops objects for another machine than the hypervisor's, which a build has for early boot (`arch/x86/boot/reloc.o` is 32-bit code). Keeps
 * an object that the user named: the differ reports what is wrong with it.
 */
export function ownPairs({ pairs, fromFolders }: FoundPairs, machine: number): OwnPairs {
  if (!fromFolders) return { pairs, remarks: [] };
  const foreign = pairs.filter(({ orig, patched }) =>
    [orig, patched].every((bytes) => bytes === null || isForeign(bytes, machine)),
  );
  const remarks = foreign.map(({ object }) =>
    about(
      'object-foreign',
      object,
      null,
      'skipped: built for another machine than the hypervisor, like early boot code',
    ),
  );
  return { pairs: pairs.filter((pair) => !foreign.includes(pair)), remarks };
}

function isForeign(bytes: Uint8Array, machine: number): boolean {
  const elf = readElf(bytes);
  return !isProblem(elf) && elf.machine !== machine;
}

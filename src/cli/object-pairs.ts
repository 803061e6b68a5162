import { join, relative, resolve, sep } from 'node:path';
import { equalBytes, XspliceError } from '../base/index.ts';
import type { ObjectPair } from '../diff/index.ts';
import type { Remark } from '../documents/index.ts';
import { isProblem, readElf } from '../elf/index.ts';
import { toByteString } from './byte-string.ts';
import { readBounded } from './files.ts';
import { filesIn, isFolder } from './folder.ts';

const MIB = 1024 * 1024;

/** Bounds of what is read: an object of Xen with debug information has some 300 KB, a build of it 420 objects. */
const MOST = { object: 64 * MIB, kept: 1024 * MIB, objects: 20_000 } as const;

/**
 * Objects of a build of Xen that no code of the running hypervisor is from: what others were put together into, tables that every link makes
 * anew, and trial compilations. Source: livepatch-build-tools, livepatch-gcc.
 */
const LEFT_OUT = /^(?:built[_-]in|prelink|buildid|check)\.o$|\.xen-syms\..*\.o$|\.xen\.efi\..*\.o$/;

/** Code that is gone after boot: `boot.init.o`, which the build makes of `boot.o`. Source: xen/Rules.mk, `%.init.o`. */
const INIT = /\.init\.o$/;

/** Two sets of objects, as pairs of the same name. */
export interface FoundPairs {
  /** Those that differ; a single pair whether it does or not. */
  readonly pairs: readonly ObjectPair[];
  /** How many were compared, and how many of these are the same, byte for byte. */
  readonly compared: number;
  readonly identical: number;
  /** Are they from folders, in which there is more than what a user has chosen? */
  readonly fromFolders: boolean;
}

/**
 * Reads what is to be compared: two objects, or two folders of them, in which objects of the same relative path are a pair. Of folders only
 * what differs is kept. Throws an XspliceError: EFILE for what cannot be read, EUSAGE for a file and a folder, and for too much of either.
 */
export function readObjectPairs(orig: string, patched: string, cwd: string): FoundPairs {
  const folders = [orig, patched].filter((path) => isFolder(path, cwd));
  if (folders.length === 1) {
    const hint = 'give two objects, or two folders of objects';
    throw new XspliceError('EUSAGE', `${folders[0]} is a directory, and the other one is not`, hint);
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

/** What both paths end in: `common/domctl.o` of `before/common/domctl.o` and `after/common/domctl.o`. */
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
    throw new XspliceError('EUSAGE', `${orig} and ${patched} have no objects`, 'objects are files that end in .o');
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
      const hint = 'give the objects that the patch touches, in folders of their own';
      throw new XspliceError('EUSAGE', `the objects that differ have more than ${MOST.kept / MIB} MiB`, hint);
    }
  }
  return { pairs, compared: names.length, identical: names.length - pairs.length, fromFolders: true };
}

/** Paths of the objects in a folder and below it, relative to it, with `/`. */
function objectsIn(folder: string, cwd: string): Set<string> {
  // Names may begin with `_`; those that begin with `.` are the build's own.
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

/** Pairs of a machine, and what is to be said of the others. */
export interface OwnPairs {
  readonly pairs: readonly ObjectPair[];
  readonly remarks: readonly Remark[];
}

/**
 * Without the objects of folders that are for another machine than the hypervisor: a build of it leaves some, which run while the host starts
 * (`arch/x86/boot/reloc.o` is for 32 bits). An object that was named alone stays, for the differ to say what is wrong with it.
 */
export function ownPairs({ pairs, fromFolders }: FoundPairs, machine: number): OwnPairs {
  if (!fromFolders) return { pairs, remarks: [] };
  const foreign = pairs.filter(({ orig, patched }) =>
    [orig, patched].every((bytes) => bytes === null || isForeign(bytes, machine)),
  );
  const remarks = foreign.map(({ object }) => ({
    text: 'is for another machine than the hypervisor, as code is that runs while the host starts: left out',
    symbol: null,
    object,
  }));
  return { pairs: pairs.filter((pair) => !foreign.includes(pair)), remarks };
}

function isForeign(bytes: Uint8Array, machine: number): boolean {
  const elf = readElf(bytes);
  return !isProblem(elf) && elf.machine !== machine;
}

import { resolve } from 'node:path';
import { XspliceError } from '../base/index.ts';
import type { LinkerChoice } from '../builder/index.ts';
import { toByteString } from './byte-string.ts';

/** Most bytes of a name, without its NUL. Source: public/sysctl.h, XEN_LIVEPATCH_NAME_SIZE. */
const LONGEST_NAME = 127;

/** A payload's name as a byte string. Throws an XspliceError (EUSAGE) for one that Xen does not take, and for one that is no file name. */
export function checkedName(name: string): string {
  const found = toByteString(name);
  const plain = /^[\x20-\x7e]+$/.test(found) && !found.includes('/') && found !== '.' && found !== '..';
  if (found !== '' && found.length <= LONGEST_NAME && plain) return found;
  const hint = `give 1 to ${LONGEST_NAME} printable characters with --name`;
  throw new XspliceError('EUSAGE', `a payload cannot be called ${JSON.stringify(found)}`, hint);
}

/** Which linker, where it is not the usual one. It runs in a folder of its own: a path has to hold there, too. */
export function linkerChoice(
  { ld, crossPrefix }: { readonly ld?: string; readonly crossPrefix?: string },
  cwd: string,
): LinkerChoice {
  const absolute = (name: string): string => (name.includes('/') ? resolve(cwd, name) : name);
  return {
    ...(ld !== undefined && { ld: absolute(ld) }),
    ...(crossPrefix !== undefined && { crossPrefix: absolute(crossPrefix) }),
  };
}

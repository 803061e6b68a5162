import { resolve } from 'node:path';
import { XspliceError } from '../base/index.ts';
import type { LinkerChoice } from '../builder/index.ts';
import { toByteString } from './byte-string.ts';

/** Longest payload name in bytes, without the NUL. Source: public/sysctl.h, XEN_LIVEPATCH_NAME_SIZE. */
const LONGEST_NAME = 127;

/** Converts a payload name to a byte string. Throws an XspliceError (EUSAGE) if Xen refuses it or it cannot be a file name. */
export function checkedName(name: string): string {
  const found = toByteString(name);
  const plain = /^[\x20-\x7e]+$/.test(found) && !found.includes('/') && found !== '.' && found !== '..';
  if (found !== '' && found.length <= LONGEST_NAME && plain) return found;
  const hint = `use 1 to ${LONGEST_NAME} printable ASCII characters without / in --name`;
  throw new XspliceError('EUSAGE', `invalid payload name ${JSON.stringify(found)}`, hint);
}

/** Returns the linker options. Paths become absolute, because the linker runs in its own folder. */
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

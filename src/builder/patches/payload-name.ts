import { basename } from 'node:path';

/** Maximum characters of a payload's name: `XEN_LIVEPATCH_NAME_SIZE` is 128 with the NUL (xen/include/public/sysctl.h). */
const NAME_MAX = 127;

/**
 * Returns the payload's name for a patch file, as livepatch-build does: the file name without `.patch`, with `-` for each character
 * other than a letter, a digit, `_` or `-`.
 */
export function payloadName(file: string): string {
  const name = basename(file).replace(/\.(?:patch|diff|mbox|eml)$/, '');
  const safe = name.replace(/[^A-Za-z0-9_-]/g, '-').slice(0, NAME_MAX);
  return safe === '' ? 'livepatch' : safe;
}

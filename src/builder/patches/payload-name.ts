import { basename } from 'node:path';

/** Characters of a payload's name: `XEN_LIVEPATCH_NAME_SIZE` is 128 with the NUL (xen/include/public/sysctl.h). */
const NAME_MAX = 127;

/**
 * The name of the payload that is built from a patch file, as livepatch-build gives it: the file's name without `.patch`, each
 * character that is not a letter, a digit, `_` or `-` as `-`.
 */
export function payloadName(file: string): string {
  const name = basename(file).replace(/\.(?:patch|diff|mbox|eml)$/, '');
  const safe = name.replace(/[^A-Za-z0-9_-]/g, '-').slice(0, NAME_MAX);
  return safe === '' ? 'livepatch' : safe;
}

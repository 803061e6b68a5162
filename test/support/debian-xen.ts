import { type DebianXen, ensureDebianXen } from '../../scripts/debian-xen.mjs';

export type { DebianXen };

let found: DebianXen | undefined;

/**
 * Debian's Xen 4.17: paths of the hypervisor and its `xen-syms`, its version and build-id. Fetched into the cache
 * where it is not there yet; a test that cannot have it fails with what to do about it.
 */
export function debianXen(): DebianXen {
  found ??= ensureDebianXen();
  return found;
}

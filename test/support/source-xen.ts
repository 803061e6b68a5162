import { sourceXen } from '../../src/targets/index.ts';
import type { SourceArch, SourceXen } from '../../src/targets/qemu/xen-source.ts';

export type { SourceArch, SourceXen };

/** The architectures whose only hypervisor with live patching is the one built from source. */
export type ArmArch = Exclude<SourceArch, 'x86_64'>;

/**
 * Xen with live patching, built from Debian's source package: paths of the hypervisor and its `xen-syms`, its version and
 * build-id, and the tree with its objects. Built into the cache where it is not there yet, in one to three minutes.
 */
export const xenFromSource = (arch: SourceArch): Promise<SourceXen> => sourceXen({ env: process.env }, arch);

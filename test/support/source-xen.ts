import { type SourceArch, type SourceXen, sourceXen } from '../../src/targets/index.ts';

export type { SourceArch, SourceXen };

/**
 * Xen for Arm with live patching, built from Debian's source package: paths of the hypervisor and its `xen-syms`, its
 * version and build-id. Built into the cache where it is not there yet, in one to two minutes.
 */
export const xenFromSource = (arch: SourceArch): Promise<SourceXen> => sourceXen({ env: process.env }, arch);

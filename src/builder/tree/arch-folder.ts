import type { XenArch } from '../../xen/index.ts';

/** The folder of `xen/arch/` that each architecture is compiled from (SRCARCH of xen/Makefile). */
const FOLDERS: Readonly<Record<XenArch, string>> = { x86_64: 'x86', arm64: 'arm', arm32: 'arm' };

/** The folder of `xen/arch/` with the sources of an architecture. */
export const archFolder = (arch: XenArch): string => FOLDERS[arch];

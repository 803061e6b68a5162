import type { XenArch } from '../../xen/index.ts';

/** Folder in `xen/arch/` of each architecture (SRCARCH of xen/Makefile). */
const FOLDERS: Readonly<Record<XenArch, string>> = { x86_64: 'x86', arm64: 'arm', arm32: 'arm' };

/** Returns the folder in `xen/arch/` with an architecture's sources. */
export const archFolder = (arch: XenArch): string => FOLDERS[arch];

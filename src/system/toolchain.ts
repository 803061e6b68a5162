import type { XenArch } from '../xen/index.ts';
import type { Environment } from './tools.ts';

/** Values that a build would otherwise take from the machine and the clock. They make builds reproducible. */
export const WHO_AND_WHEN: Environment = {
  XEN_WHOAMI: 'xsplice',
  XEN_DOMAIN: '(none)',
  XEN_BUILD_HOST: '(none)',
  XEN_BUILD_DATE: 'Thu Jan  1 00:00:00 UTC 1970',
  XEN_BUILD_TIME: '00:00:00',
  // Do not inherit these from a surrounding `make`.
  MAKEFLAGS: undefined,
  MAKELEVEL: undefined,
  MFLAGS: undefined,
};

/** Prefixes of Debian's cross tools, by target architecture. */
const CROSS: Readonly<Record<XenArch, string>> = {
  x86_64: 'x86_64-linux-gnu-',
  arm64: 'aarch64-linux-gnu-',
  arm32: 'arm-linux-gnueabihf-',
};

/** This machine's architecture in Xen's terms; `undefined` if Xen has no live patching on it. */
const NATIVE: Readonly<Partial<Record<string, XenArch>>> = { x64: 'x86_64', arm64: 'arm64', arm: 'arm32' };

/** Returns the prefix of `gcc`, `ld` and `objcopy` for an architecture; empty for the machine's own. */
export const toolPrefix = (arch: XenArch): string => (NATIVE[process.arch] === arch ? '' : CROSS[arch]);

/** Returns CROSS_COMPILE for a build: the user's, or else {@link toolPrefix}. */
export const crossCompile = (arch: XenArch, env: Environment): string => env['CROSS_COMPILE'] ?? toolPrefix(arch);

import type { Environment } from '../../system/index.ts';
import type { XenArch } from '../../xen/index.ts';

/** What a build would else take from the machine and the moment: the same source gives the same text everywhere. */
export const WHO_AND_WHEN: Environment = {
  XEN_WHOAMI: 'xsplice',
  XEN_DOMAIN: '(none)',
  XEN_BUILD_HOST: '(none)',
  XEN_BUILD_DATE: 'Thu Jan  1 00:00:00 UTC 1970',
  XEN_BUILD_TIME: '00:00:00',
  // Those of a `make` that we run under are not for this one.
  MAKEFLAGS: undefined,
  MAKELEVEL: undefined,
  MFLAGS: undefined,
};

/** The compilers for an architecture on a machine of another one, as Debian calls them. */
const CROSS: Readonly<Record<XenArch, string>> = {
  x86_64: 'x86_64-linux-gnu-',
  arm64: 'aarch64-linux-gnu-',
  arm32: 'arm-linux-gnueabihf-',
};

/** The architecture of this machine, in Xen's words; `undefined` for one that Xen has no live patching on. */
const NATIVE: Readonly<Partial<Record<string, XenArch>>> = { x64: 'x86_64', arm64: 'arm64', arm: 'arm32' };

/** CROSS_COMPILE for a build here: what the user says, nothing for a machine's own architecture. */
export function crossCompile(arch: XenArch, env: Environment): string {
  return env['CROSS_COMPILE'] ?? (NATIVE[process.arch] === arch ? '' : CROSS[arch]);
}

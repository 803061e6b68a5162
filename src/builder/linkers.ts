import { toolPrefix } from '../system/index.ts';
import type { XenArch } from '../xen/index.ts';

/** `-m`: a linker for something else says so, instead of making something else. Names as GNU ld and LLD have them. */
const EMULATIONS: Readonly<Record<XenArch, string>> = {
  x86_64: 'elf_x86_64',
  arm64: 'aarch64linux',
  arm32: 'armelf_linux_eabi',
};

/** Which linker the user wants, if not the usual one. */
export interface LinkerChoice {
  /** The program itself: a name on PATH, or a path. */
  readonly ld?: string;
  /** `CROSS_COMPILE`, as for Xen's own build: what stands in front of `ld`. */
  readonly crossPrefix?: string;
}

/** The program that links for an architecture, and the arguments that say what it links for. */
export function linkerFor(arch: XenArch, { ld, crossPrefix }: LinkerChoice = {}): { program: string; args: string[] } {
  const program = ld ?? `${crossPrefix ?? toolPrefix(arch)}ld`;
  return { program, args: ['-m', EMULATIONS[arch]] };
}

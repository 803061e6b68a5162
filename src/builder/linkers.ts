import { toolPrefix } from '../system/index.ts';
import type { XenArch } from '../xen/index.ts';

/** `-m`: a linker for another architecture then fails instead of writing a wrong file. GNU ld and LLD use the same names. */
const EMULATIONS: Readonly<Record<XenArch, string>> = {
  x86_64: 'elf_x86_64',
  arm64: 'aarch64linux',
  arm32: 'armelf_linux_eabi',
};

/** The user's choice of linker. */
export interface LinkerChoice {
  /** The program: a name on PATH, or a path. */
  readonly ld?: string;
  /** Prefix of `ld`: `CROSS_COMPILE` as in Xen's own build. */
  readonly crossPrefix?: string;
}

/** Returns the linker for an architecture, and the arguments that select it. */
export function linkerFor(arch: XenArch, { ld, crossPrefix }: LinkerChoice = {}): { program: string; args: string[] } {
  const program = ld ?? `${crossPrefix ?? toolPrefix(arch)}ld`;
  return { program, args: ['-m', EMULATIONS[arch]] };
}

import { arch as hostArch } from 'node:os';
import type { XenArch } from '../xen/index.ts';

/** The linker of one architecture. */
interface Linker {
  /** `os.arch()` of machines whose own tools are for this architecture. */
  readonly native: string;
  /** In front of `ld` everywhere else. */
  readonly prefix: string;
  /** `-m`: a linker for something else says so, instead of making something else. Names as GNU ld and LLD have them. */
  readonly emulation: string;
}

const LINKERS: Readonly<Record<XenArch, Linker>> = {
  x86_64: { native: 'x64', prefix: 'x86_64-linux-gnu-', emulation: 'elf_x86_64' },
  arm64: { native: 'arm64', prefix: 'aarch64-linux-gnu-', emulation: 'aarch64linux' },
  arm32: { native: 'arm', prefix: 'arm-linux-gnueabihf-', emulation: 'armelf_linux_eabi' },
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
  const { native, prefix, emulation } = LINKERS[arch];
  const program = ld ?? `${crossPrefix ?? (native === hostArch() ? '' : prefix)}ld`;
  return { program, args: ['-m', emulation] };
}

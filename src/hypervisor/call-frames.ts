import type { Hypervisor } from './hypervisor.ts';

/** A function of the hypervisor that the simulator is executing. */
export interface Frame {
  readonly name: string;
  readonly size: number | undefined;
}

/** Files whose static functions appear here, besides the architecture's; the symbol table prefixes their names with the file. */
const FILES = ['common/livepatch.c', 'common/livepatch_elf.c', 'common/vmap.c', 'livepatch.c'];

/** Returns the active functions, innermost first, without those that the compiler inlined. */
export function callFrames(hv: Hypervisor): Frame[] {
  const found: Frame[] = [];
  const files = [...FILES, ...hv.arch.panic.files];
  for (const name of [...hv.frames].reverse()) {
    const known = [name, ...files.map((file) => `${file}#${name}`)].find((each) => hv.symbols.byName(each) !== 0n);
    if (known !== undefined) found.push({ name: known, size: hv.symbols.at(hv.symbols.byName(known))?.size });
  }
  return found;
}

/** Formats a frame for a call trace. The offset in the function is `?`, since only a real run knows it. */
export const framePlace = (frame: Frame | undefined): string =>
  frame === undefined ? '?' : `${frame.name}+?/${frame.size === undefined ? '?' : `0x${frame.size.toString(16)}`}`;

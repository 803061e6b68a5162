import type { Hypervisor } from './hypervisor.ts';

/** A function of the hypervisor that is being carried out, on our side. */
export interface Frame {
  readonly name: string;
  readonly size: number | undefined;
}

/** Files in which the functions are static, besides those of the architecture: their names in the symbol table carry the file. */
const FILES = ['common/livepatch.c', 'common/livepatch_elf.c', 'common/vmap.c', 'livepatch.c'];

/** The functions that were being carried out, innermost first, as far as the compiler left them functions of their own. */
export function callFrames(hv: Hypervisor): Frame[] {
  const found: Frame[] = [];
  const files = [...FILES, ...hv.arch.panic.files];
  for (const name of [...hv.frames].reverse()) {
    const known = [name, ...files.map((file) => `${file}#${name}`)].find((each) => hv.symbols.byName(each) !== 0n);
    if (known !== undefined) found.push({ name: known, size: hv.symbols.at(hv.symbols.byName(known))?.size });
  }
  return found;
}

/** A frame as a call trace has it: where in the function it is, only a real run knows. */
export const framePlace = (frame: Frame | undefined): string =>
  frame === undefined ? '?' : `${frame.name}+?/${frame.size === undefined ? '?' : `0x${frame.size.toString(16)}`}`;

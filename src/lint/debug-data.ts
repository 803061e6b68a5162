import { type DwarfFile, readDwarf } from '../dwarf/index.ts';
import type { ElfFile } from '../elf/index.ts';
import type { LintContext } from './context.ts';

/** Opened files: several payloads stand before one image, whose debug data is indexed once. */
const opened = new WeakMap<ElfFile, DwarfFile | null>();

function open(elf: ElfFile, { inflate }: LintContext): DwarfFile | undefined {
  let dwarf = opened.get(elf);
  if (dwarf === undefined) {
    dwarf = readDwarf(elf, inflate === undefined ? {} : { inflate }) ?? null;
    opened.set(elf, dwarf);
  }
  return dwarf ?? undefined;
}

/** The debug data of the payload; `undefined` where it has none. */
export const payloadDebugData = (context: LintContext): DwarfFile | undefined => open(context.content.elf, context);

/** The debug data of the hypervisor's image; `undefined` where it has none, as in packages of distributions. */
export const imageDebugData = (context: LintContext): DwarfFile | undefined => open(context.image.elf, context);

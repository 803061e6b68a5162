import { type DwarfFile, readDwarf } from '../dwarf/index.ts';
import type { ElfFile } from '../elf/index.ts';
import type { LintContext } from './context.ts';

const open = (elf: ElfFile, { inflate }: LintContext): DwarfFile | undefined =>
  readDwarf(elf, inflate === undefined ? {} : { inflate });

/** Returns the debug data of the payload; `undefined` if it has none. */
export const payloadDebugData = (context: LintContext): DwarfFile | undefined => open(context.content.elf, context);

/** Returns the debug data of the hypervisor's image; `undefined` if it has none, as in packages of distributions. */
export const imageDebugData = (context: LintContext): DwarfFile | undefined => open(context.image.elf, context);

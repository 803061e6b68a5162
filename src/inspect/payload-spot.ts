import { architectureOf } from '../arch/index.ts';
import type { DocumentPlace } from '../documents/index.ts';
import { type ElfSection, SHF_ALLOC, SHF_EXECINSTR, SHT_NOBITS, SHT_REL, SHT_RELA } from '../elf/index.ts';
import type { PayloadFile as LivepatchFile } from '../payload/index.ts';

/** Tells whether a section is loaded code with bytes in the file. */
export const isCode = ({ flags, type }: ElfSection): boolean =>
  (flags & SHF_ALLOC) !== 0 && (flags & SHF_EXECINSTR) !== 0 && type !== SHT_NOBITS;

/** A place in one of a payload's code sections; for a relocation, the place that it changes. */
export interface PayloadSpot {
  readonly section: ElfSection;
  readonly offset: number;
  readonly length: number | undefined;
}

/** Returns the place in a payload's code that a finding is about; `undefined` if it is about anything else. */
export function payloadSpot(
  payload: LivepatchFile,
  { section: name, offset, length }: DocumentPlace,
): PayloadSpot | undefined {
  if (name === undefined || offset === undefined) return undefined;
  const section = payload.elf.section(name);
  if (section === undefined) return undefined;
  if (section.type !== SHT_RELA && section.type !== SHT_REL)
    return isCode(section) ? { section, offset, length } : undefined;
  const changed = payload.elf.sections[section.info];
  const table = payload.elf.relocationTables().find((each) => each.section === section);
  const entry = section.entsize > 0 ? Math.floor(offset / section.entsize) : -1;
  if (changed === undefined || !isCode(changed) || table === undefined || entry < 0 || entry >= table.count)
    return undefined;
  const rows = payload.arch === undefined ? undefined : architectureOf(payload.arch)?.relocations;
  const width = rows?.get(table.type(entry))?.width;
  return { section: changed, offset: table.offset(entry), length: width === 0 ? undefined : width };
}

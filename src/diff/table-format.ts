import type { Architecture, ObjectForms } from '../arch/index.ts';
import { ELF_ALT_CALL_SITES, ELF_ALTINSTRUCTIONS, ELF_EX_TABLE, type Release } from '../xen/index.ts';

/** How a table of entries is written that belong to functions: in each, the first field leads to the code that the entry is about. */
export interface TableFormat {
  /** Bytes. */
  readonly entrySize: number;
  /** Where a field leads, from the start of its symbol: the addend without what the table has besides. `field` is in bytes from the entry's start. */
  place(addend: number, field: number): number;
  /** The first and the byte behind the last of those, in the entry, that only say a line of source; `null` where none does. */
  readonly line: readonly [number, number] | null;
  /** What an entry is called in messages. */
  readonly word: string;
}

const BUG_FRAMES = /^\.bug_frames\.(\d+)$/;

/** A table whose fields are relative to themselves. */
const relative = (entrySize: number, word: string): TableFormat => ({
  entrySize,
  place: (addend) => addend,
  line: null,
  word,
});

/**
 * The format of a section with such entries in that release; `undefined` where the architecture has no such table. Sources: as those of the record
 * tables of `xen/`; the fields of a bug frame all count from its start.
 */
export function tableFormat(
  name: string,
  arch: Architecture,
  forms: ObjectForms,
  release: Release,
): TableFormat | undefined {
  const number = BUG_FRAMES.exec(name)?.[1];
  if (number !== undefined) {
    const type = arch.bugFrames.types(release)[Number(number)];
    if (type === undefined) return undefined;
    return {
      entrySize: arch.bugFrames.entrySize(type),
      place: (addend, field) => forms.bugFrameDisplacement(addend) - field,
      line: forms.bugFrameLine,
      word: type === 'assert' ? 'assertion' : `${type.replace('_', ' ')} frame`,
    };
  }
  if (name === ELF_ALTINSTRUCTIONS) return relative(arch.alternatives.entrySize, 'alternative');
  if (name === ELF_EX_TABLE && arch.exTableEntrySize > 0)
    return relative(arch.exTableEntrySize, 'exception table entry');
  if (name === ELF_ALT_CALL_SITES && arch.altCallSize > 0) return relative(arch.altCallSize, 'alternative call');
  return undefined;
}

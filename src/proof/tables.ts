import type { Architecture, LinkerSymbolName, ObjectForms } from '../arch/index.ts';
import { ELF_ALT_CALL_SITES, ELF_ALTINSTRUCTIONS, ELF_EX_TABLE, type Release } from '../xen/index.ts';

/** A table of entries that belong to code. In every entry, the field at offset 0 leads to the instruction that the entry is about. */
export interface Table {
  /** Its section in objects and payloads. */
  readonly section: string;
  /** Bytes. */
  readonly entrySize: number;
  /**
   * Fields from this byte on are never read: on Arm, all frames have the place of a message, which only assertions have (asm-arm/bug.h).
   */
  readonly read: number;
  /** Symbols around it in the image: candidates for its start, in order, and its end. */
  readonly starts: readonly LinkerSymbolName[];
  readonly stop: LinkerSymbolName;
  /** Do displacements count from the start of the entry, and share their fields with bits of a line number? True for bug frames. */
  readonly fromEntry: boolean;
  /** Bytes of the entry that only hold a line of source; the first, and the first behind them. `null` if none do. */
  readonly line: readonly [number, number] | null;
}

/** Byte of a bug frame where the place of the message is. */
const MESSAGE = 8;

const FRAMES = [0, 1, 2, 3] as const;

/**
 * Returns the tables of an architecture. Sources: asm/alternative.h, asm/bug.h, asm/uaccess.h of both architectures; the linker scripts for the
 * symbols. Since 3434518d05 (4.19) each kind of bug frame has its own start symbol.
 */
export function tablesOf(arch: Architecture, forms: ObjectForms, release: Release): readonly Table[] {
  const plain = (section: string, entrySize: number, start: LinkerSymbolName, stop: LinkerSymbolName): Table => ({
    ...{ section, entrySize, read: entrySize, starts: [start], stop, fromEntry: false, line: null },
  });
  const types = arch.bugFrames.types(release);
  const frames = FRAMES.flatMap((n): Table[] => {
    const type = types[n];
    if (type === undefined) return [];
    const before: LinkerSymbolName = n === 0 ? '__start_bug_frames' : `__stop_bug_frames_${(n - 1) as 0 | 1 | 2}`;
    return [
      {
        section: `.bug_frames.${n}`,
        entrySize: arch.bugFrames.entrySize(type),
        read: type === 'assert' ? arch.bugFrames.entrySize(type) : MESSAGE,
        starts: [`__start_bug_frames_${n}`, before],
        stop: `__stop_bug_frames_${n}`,
        fromEntry: true,
        line: forms.bugFrameLine,
      },
    ];
  });
  return [
    ...frames,
    plain(ELF_ALTINSTRUCTIONS, arch.alternatives.entrySize, '__alt_instructions', '__alt_instructions_end'),
    plain(ELF_EX_TABLE, arch.exTableEntrySize, '__start___ex_table', '__stop___ex_table'),
    plain(ELF_ALT_CALL_SITES, arch.altCallSize, '__alt_call_sites_start', '__alt_call_sites_end'),
  ].filter(({ entrySize }) => entrySize > 0);
}

import type { ElfSection } from '../elf/index.ts';
import type { PointerReader } from './pointer.ts';

/** The entries of a section that is an array of structures. */
export interface EntryTable<T> {
  readonly section: ElfSection;
  /** Bytes of one entry. */
  readonly entrySize: number;
  readonly entries: readonly T[];
  /** Bytes of an incomplete entry at the end; Xen refuses such a section. */
  readonly leftover: number;
}

/** Reads all complete entries in the file. `read` gets the entry's offset in the section and its number. */
export function readEntries<T>(
  pointers: PointerReader,
  entrySize: number,
  read: (at: number, index: number) => T,
): EntryTable<T> {
  const count = Math.floor(pointers.data.length / entrySize);
  return {
    section: pointers.section,
    entrySize,
    entries: Array.from({ length: count }, (_, i) => read(i * entrySize, i)),
    leftover: pointers.data.length - count * entrySize,
  };
}

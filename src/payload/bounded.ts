import type { ElfFile, RelocationTable } from '../elf/index.ts';

/**
 * The first of these tables, as many as can stand in the file side by side. Only sections that overlap make more than
 * that, and thousands of them over the same bytes would take any amount of time to go through.
 */
export function tablesInFile(file: ElfFile, tables: readonly RelocationTable[]): readonly RelocationTable[] {
  let bytes = 0;
  return tables.filter((table) => {
    bytes += table.section.data().length;
    return bytes <= file.bytes.length;
  });
}

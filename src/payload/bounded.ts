import type { ElfFile, RelocationTable } from '../elf/index.ts';

/**
 * Returns the first of these tables whose bytes together fit into the file. Only overlapping sections exceed that, and thousands of them over
 * the same bytes would take too long to read.
 */
export function tablesInFile(file: ElfFile, tables: readonly RelocationTable[]): readonly RelocationTable[] {
  let bytes = 0;
  return tables.filter((table) => {
    bytes += table.section.data().length;
    return bytes <= file.bytes.length;
  });
}

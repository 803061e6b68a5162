import { toNumber, viewOf } from '../base/index.ts';
import {
  type ElfFile,
  type ElfSection,
  EM_386,
  EM_AARCH64,
  EM_ARM,
  EM_X86_64,
  relocationName,
  SymbolTable,
} from '../elf/index.ts';
import type { CodePlaces } from './code-places.ts';
import type { Problems } from './problems.ts';

/**
 * The relocations in debug sections, by machine: each stores S + A in the given number of bytes. 0 means that it is not applied: R_*_NONE,
 * and offsets of thread-local variables, which hypervisors do not have.
 *
 * Source: System V ABI AMD64 supplement, table 4.9 (R_X86_64_NONE, 64, 32, 32S, DTPOFF64, DTPOFF32); i386 supplement, 4.4;
 * ELF for the Arm 64-bit Architecture, 5.7.3 (NONE, ABS64, ABS32); ELF for the Arm Architecture, 5.6.1 (NONE, ABS32).
 */
const WIDTHS: Readonly<Record<number, Readonly<Record<number, 0 | 4 | 8>>>> = {
  [EM_X86_64]: { 0: 0, 1: 8, 10: 4, 11: 4, 17: 0, 21: 0 },
  [EM_386]: { 0: 0, 1: 4 },
  [EM_AARCH64]: { 0: 0, 256: 0, 257: 8, 258: 4 },
  [EM_ARM]: { 0: 0, 2: 4 },
};

/** Returns a relocated copy of a debug section's bytes; `bytes` itself if the section has no relocations. */
export function relocateDebugSection(
  file: ElfFile,
  section: ElfSection,
  bytes: Uint8Array,
  places: CodePlaces,
  problems: Problems,
): Uint8Array {
  const tables = file.relocationsOf(section.index);
  if (tables.length === 0) return bytes;
  const widths = WIDTHS[file.machine];
  if (widths === undefined) {
    problems.add(`Relocations of machine ${file.machine} are not supported`, section.name);
    return bytes;
  }
  const result = bytes.slice();
  const view = viewOf(result);
  for (const table of tables) {
    const { link } = table.section;
    const symbols = link === file.symbols.section?.index ? file.symbols : new SymbolTable(file, file.sections[link]);
    for (let i = 0; i < table.count; i++) {
      const type = table.type(i);
      const width = widths[type];
      if (width === 0) continue;
      if (width === undefined) {
        problems.add(`Relocation ${relocationName(file.machine, type)} in debug data is not supported`, section.name);
        continue;
      }
      const at = table.offset(i);
      if (at + width > result.length) {
        problems.add('A relocation is past the end of the section', table.section.name, at);
        continue;
      }
      const symbol = table.symbol(i);
      const value = symbol < symbols.count ? symbolValue(symbols, symbol, places) : 0;
      if (width === 8) {
        const addend = table.hasAddends ? table.addend(i) : view.getBigUint64(at, true);
        view.setBigUint64(at, BigInt.asUintN(64, BigInt(value) + addend), true);
      } else {
        const addend = table.hasAddends ? Number(table.addend(i)) : view.getUint32(at, true);
        view.setUint32(at, (value + addend) >>> 0, true);
      }
    }
  }
  return result;
}

/** Returns S, the address of the symbol's section plus its offset; 0 for a symbol of another file. */
function symbolValue(symbols: SymbolTable, index: number, places: CodePlaces): number {
  const section = symbols.sectionIndex(index);
  return section === undefined ? 0 : places.startOf(section) + (toNumber(symbols.value(index)) ?? 0);
}

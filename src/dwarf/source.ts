import type { Address, Place } from '../base/index.ts';
import * as dw from './constants.ts';
import type { DwarfFile } from './file.ts';
import { joinPath, type SourcePlace } from './line-table.ts';
import type { Entry, Unit } from './unit.ts';

/** How a path is told. */
export interface SourceOptions {
  /**
   * Joins relative paths with the directory in which the compiler ran. Off by default: that directory is one of the build
   * machine, and the paths as they are fit the source tree.
   */
  readonly absolute?: boolean;
}

/** The path as asked for. */
function told(unit: Unit, place: SourcePlace | undefined, options: SourceOptions): SourcePlace | undefined {
  if (place === undefined || options.absolute !== true) return place;
  return { ...place, file: joinPath(unit.directory ?? '', place.file) };
}

/**
 * Where the code at an address of the file is from; for a relocatable file use {@link sourceInSection}. `undefined` where
 * the debug data does not say.
 */
export function sourceAt(dwarf: DwarfFile, address: Address, options: SourceOptions = {}): SourcePlace | undefined {
  const unit = dwarf.unitAt(address);
  return unit && told(unit, dwarf.linesOf(unit)?.sourceAt(address), options);
}

/** Where the code at an offset of a section, in bytes, is from. `section` is its index. */
export function sourceInSection(
  dwarf: DwarfFile,
  section: number,
  offset: number,
  options: SourceOptions = {},
): SourcePlace | undefined {
  const address = dwarf.places.addressOf(section, offset);
  return address === undefined ? undefined : sourceAt(dwarf, address, options);
}

/**
 * Where the code at the place of a finding is from: an offset in a section of the file, or an address of a linked one.
 * `undefined` for a place that is not in code, and where the debug data does not say.
 */
export function sourceOfPlace(dwarf: DwarfFile, place: Place, options: SourceOptions = {}): SourcePlace | undefined {
  if (place.section !== undefined && place.offset !== undefined) {
    const section = dwarf.elf.section(place.section);
    const found = section && sourceInSection(dwarf, section.index, place.offset, options);
    if (found !== undefined) return found;
  }
  if (place.address === undefined || dwarf.places.relocatable) return undefined;
  return sourceAt(dwarf, place.address, options);
}

/** The path of a file that an attribute names by its number (DW_AT_decl_file, DW_AT_call_file). */
function fileOf(dwarf: DwarfFile, entry: Entry, attribute: number): string | undefined {
  const file = entry.number(attribute);
  return file === undefined ? undefined : dwarf.linesOf(entry.unit)?.path(file);
}

/** Where a function, a type or a variable is declared: its own DW_AT_decl_file and _line, or those of its origin. */
export function declarationOf(dwarf: DwarfFile, entry: Entry, options: SourceOptions = {}): SourcePlace | undefined {
  for (const origin of entry.origins()) {
    const line = origin.number(dw.DW_AT_decl_line);
    const file = fileOf(dwarf, origin, dw.DW_AT_decl_file);
    if (line !== undefined && file !== undefined) return told(origin.unit, { file, line }, options);
  }
  return undefined;
}

/** Where the call stands that the compiler has inlined. */
export function callSiteOf(dwarf: DwarfFile, inlined: Entry, options: SourceOptions = {}): SourcePlace | undefined {
  const file = fileOf(dwarf, inlined, dw.DW_AT_call_file);
  const line = inlined.number(dw.DW_AT_call_line);
  const column = inlined.number(dw.DW_AT_call_column) ?? 0;
  if (file === undefined || line === undefined) return undefined;
  return told(inlined.unit, column === 0 ? { file, line } : { file, line, column }, options);
}

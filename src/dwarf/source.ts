import type { Address, Place } from '../base/index.ts';
import * as dw from './constants.ts';
import type { DwarfFile } from './file.ts';
import { joinPath, type SourcePlace } from './line-table.ts';
import type { Entry, Unit } from './unit.ts';

/** How to format paths. */
export interface SourceOptions {
  /**
   * Prefixes relative paths with the compilation directory. Off by default: that directory belongs to the build machine, and relative
   * paths match the source tree.
   */
  readonly absolute?: boolean;
}

/** Formats the path by the options. */
function withPath(unit: Unit, place: SourcePlace | undefined, options: SourceOptions): SourcePlace | undefined {
  if (place === undefined || options.absolute !== true) return place;
  return { ...place, file: joinPath(unit.directory ?? '', place.file) };
}

/**
 * Returns the source of the code at an address; `undefined` if the debug data lacks it. For a relocatable file, use {@link sourceInSection}.
 */
export function sourceAt(dwarf: DwarfFile, address: Address, options: SourceOptions = {}): SourcePlace | undefined {
  const unit = dwarf.unitAt(address);
  return unit && withPath(unit, dwarf.linesOf(unit)?.sourceAt(address), options);
}

/** Returns the source of the code at an offset, in bytes, of the section with this index. */
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
 * Returns the source of a finding's place: an offset in a section, or an address of a linked file. `undefined` if it is not in code, or the
 * debug data lacks it.
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

/** Returns the path of a file by the number in DW_AT_decl_file or DW_AT_call_file. */
function fileOf(dwarf: DwarfFile, entry: Entry, attribute: number): string | undefined {
  const file = entry.number(attribute);
  return file === undefined ? undefined : dwarf.linesOf(entry.unit)?.path(file);
}

/** Returns the declaration of a function, type or variable: its own DW_AT_decl_file and _line, or those of its origin. */
export function declarationOf(dwarf: DwarfFile, entry: Entry, options: SourceOptions = {}): SourcePlace | undefined {
  for (const origin of entry.origins()) {
    const line = origin.number(dw.DW_AT_decl_line);
    const file = fileOf(dwarf, origin, dw.DW_AT_decl_file);
    if (line !== undefined && file !== undefined) return withPath(origin.unit, { file, line }, options);
  }
  return undefined;
}

/** Returns the source of an inlined call. */
export function callSiteOf(dwarf: DwarfFile, inlined: Entry, options: SourceOptions = {}): SourcePlace | undefined {
  const file = fileOf(dwarf, inlined, dw.DW_AT_call_file);
  const line = inlined.number(dw.DW_AT_call_line);
  const column = inlined.number(dw.DW_AT_call_column) ?? 0;
  if (file === undefined || line === undefined) return undefined;
  return withPath(inlined.unit, column === 0 ? { file, line } : { file, line, column }, options);
}

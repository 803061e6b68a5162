import * as dw from './constants.ts';
import type { DwarfFile } from './file.ts';
import { type DebugFunction, debugFunction } from './functions.ts';
import type { SourcePlace } from './line-table.ts';
import type { CodeRange } from './ranges.ts';
import { callSiteOf, declarationOf, type SourceOptions } from './source.ts';
import type { Entry, Unit } from './unit.ts';

/** A copy of a function that is inlined in another one. */
export interface InlinedCopy {
  /** DW_TAG_inlined_subroutine. */
  readonly entry: Entry;
  /** The function whose code contains the copy. */
  readonly inside: DebugFunction;
  /** The source of the inlined call: in `inside`, or in a function that is itself inlined there. */
  readonly call: SourcePlace | undefined;
  /** The code of the copy; empty if it was optimised away. */
  readonly ranges: readonly CodeRange[];
}

/** A key that distinguishes functions of the same name. */
interface Identity {
  readonly name: string;
  readonly file: string | undefined;
  readonly line: number | undefined;
}

/** All code that the compiler generated from one function. */
export interface FunctionCopies {
  /** Out-of-line code, in file order: the function in each unit that has it, and its clones (`.part.0`, `.constprop.0`). */
  readonly outOfLine: readonly DebugFunction[];
  readonly inlined: readonly InlinedCopy[];
}

/**
 * Finds all code that the compiler generated from a function, by its name and the file and line of its declaration. Searches only
 * units that refer to the function.
 */
export function copiesOf(dwarf: DwarfFile, of: DebugFunction, options: SourceOptions = {}): FunctionCopies {
  const wanted = identityOf(dwarf, of.entry);
  const entries = dwarf.find('function', wanted.name).filter((entry) => same(identityOf(dwarf, entry), wanted));
  const outOfLine = entries
    .flatMap((entry) => debugFunction(dwarf, entry, options) ?? [])
    .filter(({ address }) => address !== undefined);
  const origins = new Set(entries.map(({ offset }) => offset));
  const inlined: InlinedCopy[] = [];
  const units = new Set(entries.map(({ unit }) => unit));
  for (const unit of dwarf.units) {
    if (units.has(unit) || refersAcrossUnits(unit)) collect(dwarf, unit, origins, options, inlined);
  }
  return { outOfLine, inlined };
}

function identityOf(dwarf: DwarfFile, entry: Entry): Identity {
  const place = declarationOf(dwarf, entry);
  return { name: entry.name ?? '', file: place?.file, line: place?.line };
}

const same = (a: Identity, b: Identity): boolean => a.name === b.name && a.file === b.file && a.line === b.line;

/** Tells by its abbreviations whether a unit inlines functions of other units, as link-time optimisation does. */
function refersAcrossUnits(unit: Unit): boolean {
  for (const { tag, names, forms } of unit.abbreviations.values()) {
    const row = tag === dw.DW_TAG_inlined_subroutine ? names.indexOf(dw.DW_AT_abstract_origin) : -1;
    if (row >= 0 && forms[row] === dw.DW_FORM_ref_addr) return true;
  }
  return false;
}

function collect(
  dwarf: DwarfFile,
  unit: Unit,
  origins: ReadonlySet<number>,
  options: SourceOptions,
  found: InlinedCopy[],
): void {
  for (const [, outer] of dwarf.subprogramsOf(unit)) {
    for (const { entry } of outer.descendants()) {
      if (entry.tag !== dw.DW_TAG_inlined_subroutine) continue;
      const origin = entry.attribute(dw.DW_AT_abstract_origin);
      if (origin?.kind !== 'reference' || !origins.has(origin.value)) continue;
      const inside = debugFunction(dwarf, outer, options);
      if (inside === undefined) continue;
      found.push({ entry, inside, call: callSiteOf(dwarf, entry, options), ranges: dwarf.rangesOf(entry) });
    }
  }
}

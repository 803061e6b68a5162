import * as dw from './constants.ts';
import type { DwarfFile } from './file.ts';
import { type DebugFunction, debugFunction } from './functions.ts';
import type { SourcePlace } from './line-table.ts';
import type { CodeRange } from './ranges.ts';
import { callSiteOf, declarationOf, type SourceOptions } from './source.ts';
import type { Entry, Unit } from './unit.ts';

/** A copy of a function inside of another one. */
export interface InlinedCopy {
  /** DW_TAG_inlined_subroutine. */
  readonly entry: Entry;
  /** The function whose code has the copy. */
  readonly inside: DebugFunction;
  /** Where the inlined call stands: in `inside`, or in a function that is itself inlined there. */
  readonly call: SourcePlace | undefined;
  /** The code of the copy; empty where all of it was optimised away. */
  readonly ranges: readonly CodeRange[];
}

/** What tells two functions of one name apart. */
interface Identity {
  readonly name: string;
  readonly file: string | undefined;
  readonly line: number | undefined;
}

/** All code that was made from one function. */
export interface FunctionCopies {
  /** Code of its own, in file order: the function itself in each unit that has it, and clones (`.part.0`, `.constprop.0`). */
  readonly outOfLine: readonly DebugFunction[];
  readonly inlined: readonly InlinedCopy[];
}

/**
 * Finds everything that the compiler made from a function: the same name, declared in the same file and line, in any unit.
 * Only units that know the function are looked into.
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

/** Does a unit inline functions of other units, as link-time optimisation does? Its abbreviations tell. */
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

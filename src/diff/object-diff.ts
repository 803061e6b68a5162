import type { Finding } from '../base/index.ts';
import type { FunctionReport, FunctionStatus } from '../documents/index.ts';
import { type DwarfFile, type Inflate, readDwarf } from '../dwarf/index.ts';
import type { ElfFile } from '../elf/index.ts';
import { type Aliases, compareAliases } from './aliases.ts';
import { Comparator } from './compare.ts';
import { correlate } from './correlation.ts';
import type { DebugData } from './debug-data.ts';
import { explainChange } from './explain.ts';
import { bootOnly, initRemarks } from './init-remarks.ts';
import { isLineOnly } from './line-only.ts';
import { DiffObject, type ObjectContext } from './object.ts';
import { staticRefusals } from './static-refusals.ts';
import type { DiffOptions } from './types.ts';
import type { Unit } from './unit.ts';
import { compareVariables } from './variables.ts';

/** One pair of objects compared: what became of each function, and what no payload can carry. */
export interface ObjectDiff {
  readonly object: string;
  readonly comparator: Comparator;
  readonly debug: DebugData;
  readonly aliases: Aliases;
  /** By function of the patched object. */
  readonly status: Map<Unit, FunctionStatus>;
  functions: readonly FunctionReport[];
  refusals: readonly Finding[];
  remarks: readonly Finding[];
}

const debugOf = (elf: ElfFile, inflate: Inflate | undefined): DwarfFile | undefined =>
  readDwarf(elf, inflate === undefined ? {} : { inflate });

/** Compares two objects of the same source. */
export function compareObjects(
  object: string,
  files: { readonly orig: ElfFile; readonly patched: ElfFile },
  context: ObjectContext,
  { inflate, goneLines, statics = [] }: Pick<DiffOptions, 'inflate' | 'goneLines' | 'statics'>,
): ObjectDiff {
  const status = new Map<Unit, FunctionStatus>();
  const functions: FunctionReport[] = [];
  let debug: DebugData | undefined;
  // Debug data is read only where something differs.
  const debugData = (): DebugData => {
    debug ??= { orig: debugOf(files.orig, inflate), patched: debugOf(files.patched, inflate) };
    return debug;
  };
  const [orig, patched] = [new DiffObject(files.orig, context), new DiffObject(files.patched, context)];
  const choices = statics.filter(({ file }) => file === null || file === patched.file);
  const correlation = correlate(orig, patched, { debug: debugData, goneLines, choices });
  const comparator = new Comparator(correlation);
  const tell = (name: string, is: FunctionStatus, rest: Partial<FunctionReport>): void => {
    functions.push({ name, object, status: is, reason: '', firstDifference: null, ...rest });
  };
  for (const unit of correlation.patched.units.all) {
    const before = correlation.units.get(unit);
    if (before === undefined) {
      status.set(unit, 'new');
      tell(unit.name, 'new', { reason: 'not in the original object' });
      continue;
    }
    const renamed = before.name === unit.name ? '' : `; its new name is ${unit.name}`;
    if (comparator.sameUnit(before, unit)) {
      const moved = before.entries.some((entry, i) => comparator.movedLine(entry, unit.entries[i] ?? entry));
      status.set(unit, moved ? 'line-only' : 'unchanged');
      const reason = moved ? 'only line numbers in its bug frames differ' : 'code, references and tables are the same';
      tell(before.name, moved ? 'line-only' : 'unchanged', { reason: reason + renamed });
    } else if (isLineOnly(comparator, before, unit, debugData())) {
      status.set(unit, 'line-only');
      const explained = explainChange(comparator, before, unit, debugData());
      tell(before.name, 'line-only', { ...explained, reason: `only line numbers that it prints differ${renamed}` });
    } else {
      status.set(unit, 'changed');
      const { reason, firstDifference } = explainChange(comparator, before, unit, debugData());
      tell(before.name, 'changed', { reason: reason + renamed, firstDifference });
    }
  }
  const kept = new Set(correlation.units.values());
  for (const unit of correlation.orig.units.all) {
    if (!kept.has(unit)) tell(unit.name, 'removed', { reason: 'not in the patched object' });
  }
  const aliases = compareAliases(comparator, object);
  const variables = compareVariables(comparator, object);
  return {
    object,
    comparator,
    aliases,
    get debug() {
      return debugData();
    },
    status,
    functions,
    refusals: [...staticRefusals(correlation, object, debugData), ...aliases.refusals, ...variables.refusals],
    remarks: [
      ...variables.remarks,
      ...initRemarks(comparator, object, debugData),
      ...bootOnly(correlation, status, object),
    ],
  };
}

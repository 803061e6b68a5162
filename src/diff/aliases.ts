import type { Finding } from '../base/index.ts';
import { about } from './about.ts';
import type { Comparator } from './compare.ts';
import type { Unit } from './unit.ts';

/** What became of functions with several names. */
export interface Aliases {
  readonly refusals: readonly Finding[];
  /** Functions of the original whose name is one of another function now, which has to replace them too: the patched function, and the original. */
  readonly joined: readonly (readonly [Unit, Unit])[];
}

/** Compares the names of functions. Names of one function have one address on the host: they cannot lead to different code there. */
export function compareAliases(comparator: Comparator, object: string): Aliases {
  const { orig, patched, units } = comparator.correlation;
  const refusals: Finding[] = [];
  const joined: (readonly [Unit, Unit])[] = [];
  const after = byName(patched.units.all);
  const before = byName(orig.units.all);
  for (const unit of orig.units.all) {
    if (unit.piece.symbols.length < 2) continue;
    const now = new Set(namesOf(unit).flatMap((name) => after.get(name) ?? []));
    if (now.size < 2 || [...now].every((each) => comparator.sameUnit(unit, each))) continue;
    const names = namesOf(unit).join(' and ');
    const message = `${names} are one function on the host, and lead to different code after the patch`;
    refusals.push(about('alias-split', object, unit.name, message));
  }
  for (const unit of patched.units.all) {
    for (const name of unit.piece.symbols.length < 2 ? [] : namesOf(unit)) {
      const old = before.get(name);
      if (old === undefined || old === units.get(unit) || joined.some(([, each]) => each === old)) continue;
      if (!comparator.sameUnit(old, unit)) joined.push([unit, old]);
    }
  }
  return { refusals, joined };
}

const namesOf = ({ piece }: Unit): string[] => piece.symbols.map(({ name }) => name);

const byName = (units: readonly Unit[]): Map<string, Unit> =>
  new Map(units.flatMap((unit) => namesOf(unit).map((name): [string, Unit] => [name, unit])));

import { contentId, groupBy, hex } from '../base/index.ts';
import { STB_LOCAL } from '../elf/index.ts';
import {
  type Ambiguity,
  isLocalStatic,
  type MatchedStatics,
  matchStatics,
  type StaticEvidence,
} from './local-statics.ts';
import type { DiffObject } from './object.ts';
import { bytesOf, nameOf, type Piece, type Reference, unnumbered } from './piece.ts';
import { codeOf, type Side, type Unit, Units } from './unit.ts';
import { VariableUses } from './variable-uses.ts';

/** Which function of the patched object is which of the original, and the same of variables. */
export interface Correlation {
  readonly orig: Side;
  readonly patched: Side;
  /** From patched to original. */
  readonly units: ReadonlyMap<Unit, Unit>;
  /** Variables, per-CPU variables, and what else is not constant; from patched to original. */
  readonly variables: ReadonlyMap<Piece, Piece>;
  /** Variables of functions of which nobody can tell which is which. */
  readonly ambiguities: readonly Ambiguity[];
  /** Who refers to a piece of either object: `code f`, `init f`, `data t`. */
  users(piece: Piece): ReadonlySet<string>;
}

/** Kinds of pieces that live on in the running hypervisor. */
export const VARIABLES = ['data', 'bss', 'percpu'] as const;

/** Finds for each function and variable of the patched object what it was in the original. */
export function correlate(
  orig: DiffObject,
  patched: DiffObject,
  evidence: Omit<StaticEvidence, 'users' | 'uses'>,
): Correlation {
  const sides = {
    orig: { object: orig, units: new Units(orig, 'code') },
    patched: { object: patched, units: new Units(patched, 'code') },
  };
  const units = matchUnits(sides.orig, sides.patched);
  const uses = new VariableUses(sides.orig, sides.patched, units);
  const { pairs, ambiguities } = matchVariables(sides.orig, sides.patched, uses, evidence);
  return { ...sides, units, variables: pairs, ambiguities, users: (piece) => uses.users(piece) };
}

/**
 * Functions by name. Of clones (`.constprop.N`, `.isra.N`, `.part.N`) the number says nothing: the same code first, then the same name, then their
 * order. A clone whose kind has changed is another function, as its callers show.
 */
function matchUnits(orig: Side, patched: Side): Map<Unit, Unit> {
  const found = new Map<Unit, Unit>();
  const families = (units: Units): Map<string, Unit[]> => groupBy(units.all, ({ name }) => unnumbered(name));
  const before = families(orig.units);
  for (const [family, members] of families(patched.units)) {
    const old = [...(before.get(family) ?? [])];
    const pair = (unit: Unit, same: (candidate: Unit) => boolean): boolean => {
      const i = old.findIndex(same);
      if (i < 0) return false;
      found.set(unit, old[i] as Unit);
      old.splice(i, 1);
      return true;
    };
    let left: Unit[] = members;
    if (members.length > 1 || old.length > 1) {
      const marks = new Map<Unit, string>();
      for (const unit of old) marks.set(unit, mark(orig.object, unit));
      for (const unit of members) marks.set(unit, mark(patched.object, unit));
      const alike = (a: Unit, b: Unit): boolean => marks.get(a) === marks.get(b);
      left = left.filter((unit) => !pair(unit, (other) => other.name === unit.name && alike(unit, other)));
      left = left.filter((unit) => !pair(unit, (other) => alike(unit, other)));
      left = left.filter((unit) => !pair(unit, (other) => other.name === unit.name));
    }
    for (const unit of left) pair(unit, () => true);
  }
  return found;
}

/** What a function looks like without the numbers of what it refers to. */
function mark(object: DiffObject, unit: Unit): string {
  return codeOf(unit)
    .map((piece) => {
      const references = object.references(piece).map((reference) => `${reference.offset}:${targetMark(reference)}`);
      return `${hex(contentId(bytesOf(piece)))} ${references.join(' ')}`;
    })
    .join('|');
}

function targetMark({ target }: Reference): string {
  if (target.kind === 'absolute') return String(target.value);
  if (target.kind === 'external') return `${target.name}+${target.at}`;
  return target.piece.symbols.length > 0 ? `${unnumbered(nameOf(target.piece))}+${target.at}` : target.piece.kind;
}

const isLocal = (piece: Piece): boolean => piece.symbols[0]?.bind === STB_LOCAL;

/**
 * Variables by name; those that functions declare by what {@link matchStatics} finds out; those without a name by their place in their section.
 */
function matchVariables(
  orig: Side,
  patched: Side,
  uses: VariableUses,
  evidence: Omit<StaticEvidence, 'users' | 'uses'>,
): MatchedStatics {
  const found = new Map<Piece, Piece>();
  const taken = new Set<Piece>();
  const [before, after] = [orig.object.pieces(...VARIABLES), patched.object.pieces(...VARIABLES)];
  const byName = groupBy(before, (piece) => family(piece));
  for (const piece of after) {
    if (isLocalStatic(piece)) continue;
    const old = byName
      .get(family(piece))
      ?.find((each) => !taken.has(each) && nameOf(each) === nameOf(piece) && isLocal(each) === isLocal(piece));
    if (old === undefined) continue;
    found.set(piece, old);
    taken.add(old);
  }
  const statics = [before.filter(isLocalStatic), after.filter(isLocalStatic)] as const;
  const matched = matchStatics(...statics, {
    ...evidence,
    users: (piece) => uses.users(piece),
    uses: (wild) => uses.shared(wild),
  });
  for (const [piece, old] of matched.pairs) found.set(piece, old);
  // A variable that was global, or is now, is still the only one of its name.
  const left = groupBy(
    before.filter((piece) => !taken.has(piece) && !isLocalStatic(piece)),
    (piece) => family(piece),
  );
  for (const [name, pieces] of groupBy(
    after.filter((piece) => !found.has(piece) && !isLocalStatic(piece)),
    (piece) => family(piece),
  )) {
    const [[a, ...more], [b, ...others]] = [pieces, left.get(name) ?? []];
    if (a === undefined || b === undefined || more.length > 0 || others.length > 0) continue;
    if (a.end - a.start === b.end - b.start) found.set(a, b);
  }
  // What only the boot uses is not asked for any more.
  const lives = (piece: Piece): boolean => [...uses.users(piece)].some((user) => !user.startsWith('init '));
  const ambiguities = matched.ambiguities.filter((each) => [...each.before, ...each.after].some(lives));
  return { pairs: found, ambiguities };
}

/** Pieces that may be each other: by name without numbers, or without a name by their section. */
const family = (piece: Piece): string =>
  piece.symbols.length > 0 ? unnumbered(nameOf(piece)) : `${unnumbered(piece.section.name)}\0${piece.start}`;

import { contentId, equalBytes, groupBy, hex } from '../base/index.ts';
import { STB_LOCAL } from '../elf/index.ts';
import type { DiffObject } from './object.ts';
import { bytesOf, nameOf, type Piece, type Reference, unnumbered } from './piece.ts';
import { codeOf, type Unit, Units } from './unit.ts';

/** Which function of the patched object is which of the original, and the same of variables. */
export interface Correlation {
  readonly orig: { readonly object: DiffObject; readonly units: Units };
  readonly patched: { readonly object: DiffObject; readonly units: Units };
  /** From patched to original. */
  readonly units: ReadonlyMap<Unit, Unit>;
  /** Variables, per-CPU variables, and what else is not constant; from patched to original. */
  readonly variables: ReadonlyMap<Piece, Piece>;
}

/** Kinds of pieces that live on in the running hypervisor. */
export const VARIABLES = ['data', 'bss', 'percpu'] as const;

/** Finds for each function and variable of the patched object what it was in the original. */
export function correlate(orig: DiffObject, patched: DiffObject): Correlation {
  const sides = {
    orig: { object: orig, units: new Units(orig, 'code') },
    patched: { object: patched, units: new Units(patched, 'code') },
  };
  const units = matchUnits(sides.orig, sides.patched);
  return { ...sides, units, variables: matchVariables(sides.orig, sides.patched, units) };
}

type Side = Correlation['orig'];

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

/** Functions of the boot: what they use may live on, too. */
function matchInit(orig: DiffObject, patched: DiffObject): [Unit, Unit][] {
  const before = new Map(new Units(orig, 'init').all.map((unit) => [unnumbered(unit.name), unit]));
  return new Units(patched, 'init').all.flatMap((unit): [Unit, Unit][] => {
    const old = before.get(unnumbered(unit.name));
    return old === undefined ? [] : [[unit, old]];
  });
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
 * Variables by name; those that are local to a function (`rover.0`) by who uses them: in functions that belong together, the first of that name that is
 * used is the first one. What is the only one of its name on both sides is the same, wherever it is used.
 */
function matchVariables(orig: Side, patched: Side, units: ReadonlyMap<Unit, Unit>): Map<Piece, Piece> {
  const found = new Map<Piece, Piece>();
  const taken = new Set<Piece>();
  const pair = (after: Piece, before: Piece): void => {
    found.set(after, before);
    taken.add(before);
  };
  const before = groupBy(orig.object.pieces(...VARIABLES), (piece) => family(piece));
  const after = groupBy(patched.object.pieces(...VARIABLES), (piece) => family(piece));
  for (const [name, pieces] of after) {
    for (const piece of pieces) {
      if (isNumbered(piece)) continue;
      const old = before
        .get(name)
        ?.find((each) => !taken.has(each) && nameOf(each) === nameOf(piece) && isLocal(each) === isLocal(piece));
      if (old !== undefined) pair(piece, old);
    }
  }
  const votes = new Map<Piece, Map<Piece, number>>();
  for (const [unit, old] of [...units, ...matchInit(orig.object, patched.object)]) {
    const used = statics(patched.object, unit);
    const usedBefore = statics(orig.object, old);
    for (const [name, pieces] of used) {
      for (const [a, b] of aligned(pieces, usedBefore.get(name) ?? [])) {
        const counts = votes.get(a) ?? new Map<Piece, number>();
        counts.set(b, (counts.get(b) ?? 0) + 1);
        votes.set(a, counts);
      }
    }
  }
  const ballots = [...votes].flatMap(([a, counts]) => [...counts].map(([b, count]) => ({ a, b, count })));
  for (const { a, b } of ballots.sort((x, y) => y.count - x.count)) {
    if (!found.has(a) && !taken.has(b)) pair(a, b);
  }
  for (const [name, pieces] of after) {
    const left = pieces.filter((piece) => !found.has(piece));
    const old = (before.get(name) ?? []).filter((piece) => !taken.has(piece));
    const [a] = left;
    const [b] = old;
    if (a !== undefined && b !== undefined && left.length === 1 && old.length === 1 && sizeOf(a) === sizeOf(b))
      pair(a, b);
  }
  return found;
}

const sizeOf = ({ start, end }: Piece): number => end - start;

/** Is it one of those that the compiler numbers: local to a function? */
export const isNumbered = (piece: Piece): boolean => unnumbered(nameOf(piece)) !== nameOf(piece);

/** Pieces that may be each other: by name without numbers, or without a name by their section. */
const family = (piece: Piece): string =>
  piece.symbols.length > 0 ? unnumbered(nameOf(piece)) : `${unnumbered(piece.section.name)}\0${piece.start}`;

/** The numbered variables that a function uses, by name, in the order in which it first does. */
function statics(object: DiffObject, unit: Unit): Map<string, Piece[]> {
  const seen = new Set<Piece>();
  for (const part of codeOf(unit)) {
    for (const { target } of object.references(part)) {
      if (target.kind !== 'piece' || !isNumbered(target.piece)) continue;
      if (VARIABLES.some((kind) => kind === target.piece.kind)) seen.add(target.piece);
    }
  }
  return groupBy(seen, (piece) => family(piece));
}

/** Pairs in order; where one side has fewer, those of one size and first content are paired first. */
function aligned(after: readonly Piece[], before: readonly Piece[]): [Piece, Piece][] {
  if (after.length === before.length) return after.map((piece, i) => [piece, before[i] as Piece]);
  const left = [...before];
  const pairs: [Piece, Piece][] = [];
  for (const piece of after) {
    const i = left.findIndex((old) => sizeOf(old) === sizeOf(piece) && equalBytes(bytesOf(old), bytesOf(piece)));
    if (i >= 0) pairs.push([piece, ...(left.splice(i, 1) as [Piece])]);
  }
  return pairs;
}

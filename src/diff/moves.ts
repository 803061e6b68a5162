import { type Finding, groupBy } from '../base/index.ts';
import { type DwarfFile, staticLocals } from '../dwarf/index.ts';
import { STB_LOCAL } from '../elf/index.ts';
import { about } from './about.ts';
import { Comparator } from './compare.ts';
import { VARIABLES } from './correlation.ts';
import { isLocalStatic } from './local-statics.ts';
import type { DiffObject } from './object.ts';
import type { ObjectDiff } from './object-diff.ts';
import { isNumbered, nameOf, type Piece, unnumbered } from './piece.ts';
import { codeOf, type Unit } from './unit.ts';
import { variableChange } from './variables.ts';

/** What a thing of a patched object was in the original of another object. */
export interface Origin {
  readonly from: ObjectDiff;
  readonly piece: Piece;
  /** For a function. */
  readonly unit: Unit | undefined;
}

/** Functions and variables that moved from one object to another: by piece of the patched object. */
export type Moves = ReadonlyMap<Piece, Origin>;

/** A function or variable that only one side of an object has. */
interface Loose {
  readonly diff: ObjectDiff;
  readonly piece: Piece;
  readonly unit: Unit | undefined;
}

const isLocal = ({ piece }: Loose): boolean => piece.symbols[0]?.bind === STB_LOCAL;

/**
 * Finds what moved from one object to another, and settles what became of it: status and report of a function, refusals for a variable or constant
 * whose content changed on the way. Global names mean one thing in the hypervisor; static ones are the same if one object lost it and one got it.
 */
export function findMoves(diffs: readonly ObjectDiff[]): {
  readonly moves: Moves;
  readonly refusals: readonly Finding[];
} {
  const moves = new Map<Piece, Origin>();
  const refusals: Finding[] = [];
  const pair = (now: Loose, was: Loose): void => {
    moves.set(now.piece, { from: was.diff, piece: was.piece, unit: was.unit });
  };
  const ambiguous = (now: readonly Loose[], was: readonly Loose[]): void => {
    const place = (each: Loose): string => `${nameOf(each.piece)} of ${each.diff.object}`;
    const [first] = now;
    if (first === undefined) return;
    const message = `${now.map(place).join(' and ')} may be new, or may be ${was.map(place).join(' or ')}, which the patch removes`;
    refusals.push(about('move-ambiguous', first.diff.object, nameOf(first.piece), message));
  };
  const [goneUnits, newUnits] = [diffs.flatMap(removedUnits), diffs.flatMap(addedUnits)];
  match(goneUnits, newUnits, pair, (now, was) => {
    const [[a, ...more], [b, ...others]] = [now, was];
    if (a !== undefined && b !== undefined && more.length + others.length === 0) pair(a, b);
    else ambiguous(now, was);
  });
  const [goneData, newData] = [diffs.flatMap(removedData), diffs.flatMap(addedData)];
  const file = (each: Loose): boolean => !isLocalStatic(each.piece);
  match(goneData.filter(file), newData.filter(file), pair, (now, was) => {
    const moved = now.flatMap((a) => was.filter((b) => usedByMoved(a, b, moves)).map((b) => [a, b] as const));
    const [[a, b] = []] = moved;
    if (a !== undefined && b !== undefined && moved.length === 1) pair(a, b);
    else if (now.some((a) => was.some((b) => sizeOf(a.piece) === sizeOf(b.piece)))) ambiguous(now, was);
  });
  moveLocals(goneData, newData, moves, pair, ambiguous);
  refusals.push(...settle(moves, diffs));
  return { moves, refusals };
}

/** The global functions that objects of the build had, and none has any more. */
export function removedGlobals(diffs: readonly ObjectDiff[], moves: Moves): ReadonlySet<string> {
  const moved = new Set([...moves.values()].map(({ piece }) => piece));
  const gone = diffs.flatMap(removedUnits).filter((each) => !isLocal(each) && !moved.has(each.piece));
  return new Set(gone.map(({ piece }) => nameOf(piece)));
}

/** Pairs global names; what is static on one side goes to `statics`, all of a name at once. */
function match(
  gone: readonly Loose[],
  added: readonly Loose[],
  pair: (now: Loose, was: Loose) => void,
  statics: (now: readonly Loose[], was: readonly Loose[]) => void,
): void {
  const before = groupBy(gone, ({ piece }) => nameOf(piece));
  for (const [name, list] of groupBy(added, ({ piece }) => nameOf(piece))) {
    const old = before.get(name) ?? [];
    const [now] = list.filter((each) => !isLocal(each));
    const [was] = old.filter((each) => !isLocal(each));
    if (was !== undefined && (now !== undefined || list.length === 1)) {
      pair(now ?? (list[0] as Loose), was);
      continue;
    }
    const elsewhere = old.filter(({ diff }) => list.some((each) => each.diff !== diff));
    if (elsewhere.length > 0) statics(list, elsewhere);
  }
}

/** Static variables that functions declare move with these. */
function moveLocals(
  gone: readonly Loose[],
  added: readonly Loose[],
  moves: Moves,
  pair: (now: Loose, was: Loose) => void,
  ambiguous: (now: readonly Loose[], was: readonly Loose[]) => void,
): void {
  const family = ({ piece }: Loose): string => unnumbered(nameOf(piece));
  const before = groupBy(
    gone.filter(({ piece }) => isLocalStatic(piece)),
    family,
  );
  for (const [name, list] of groupBy(
    added.filter(({ piece }) => isLocalStatic(piece)),
    family,
  )) {
    const old = before.get(name) ?? [];
    for (const now of list) {
      const from = old.filter((was) => usedByMoved(now, was, moves));
      const rivals = list.filter((each) => from.some((was) => usedByMoved(each, was, moves)));
      const [was, ...more] = from;
      if (was === undefined) {
        const possible = old.filter((each) => each.diff !== now.diff && mayBeOne(now, each));
        if (possible.length > 0) ambiguous([now], possible);
        continue;
      }
      if (more.length === 0 && rivals.length === 1) pair(now, was);
      else ambiguous([now], from);
    }
  }
}

/** Is a variable used by a function that moved from where the other was used? */
function usedByMoved(now: Loose, was: Loose, moves: Moves): boolean {
  if (now.diff === was.diff || sizeOf(now.piece) !== sizeOf(was.piece)) return false;
  for (const [piece, { from, unit }] of moves) {
    if (unit === undefined || from !== was.diff) continue;
    const { patched } = now.diff.comparator.correlation;
    const after = patched.units.of(piece);
    if (after === undefined || !uses(patched.object, after, now.piece)) continue;
    if (uses(from.comparator.orig, unit, was.piece)) return true;
  }
  return false;
}

/**
 * May a variable that one object gained be one that another lost, although no function that uses it has moved? A helper that is inlined everywhere has
 * no code of its own whose move would show. Debug data names the function that declares each; without it, only the size tells them apart.
 */
function mayBeOne(now: Loose, was: Loose): boolean {
  const [after, before] = [declarer(now.diff.debug.patched, now.piece), declarer(was.diff.debug.orig, was.piece)];
  if (after !== undefined && before !== undefined) return after === before;
  return sizeOf(now.piece) === sizeOf(was.piece);
}

/** Returns the name of the function that declares a static variable; `undefined` where no debug data says so. */
const declarer = (debug: DwarfFile | undefined, { section, start }: Piece): string | undefined =>
  debug && staticLocals(debug).find((local) => local.section === section.index && local.offset === start)?.scope;

const uses = (object: DiffObject, unit: Unit, piece: Piece): boolean =>
  codeOf(unit).some((part) =>
    object.references(part).some(({ target }) => target.kind === 'piece' && target.piece === piece),
  );

const sizeOf = ({ start, end }: Piece): number => end - start;

function removedUnits(diff: ObjectDiff): Loose[] {
  const { orig, units } = diff.comparator.correlation;
  const kept = new Set(units.values());
  return orig.units.all.flatMap((unit) =>
    kept.has(unit) || isNumbered(unit.piece) ? [] : [{ diff, piece: unit.piece, unit }],
  );
}

function addedUnits(diff: ObjectDiff): Loose[] {
  const { patched, units } = diff.comparator.correlation;
  return patched.units.all.flatMap((unit) =>
    units.has(unit) || isNumbered(unit.piece) ? [] : [{ diff, piece: unit.piece, unit }],
  );
}

function removedData(diff: ObjectDiff): Loose[] {
  const { orig, variables } = diff.comparator.correlation;
  const kept = new Set(variables.values());
  const names = globalConstants(diff.comparator.patched);
  return named(diff, [
    ...orig.object.pieces(...VARIABLES).filter((piece) => !kept.has(piece)),
    ...globalConstants(orig.object).filter((piece) => !names.some((each) => nameOf(each) === nameOf(piece))),
  ]);
}

function addedData(diff: ObjectDiff): Loose[] {
  const { patched, variables } = diff.comparator.correlation;
  const names = globalConstants(diff.comparator.orig);
  return named(diff, [
    ...patched.object.pieces(...VARIABLES).filter((piece) => !variables.has(piece)),
    ...globalConstants(patched.object).filter((piece) => !names.some((each) => nameOf(each) === nameOf(piece))),
  ]);
}

const named = (diff: ObjectDiff, pieces: readonly Piece[]): Loose[] =>
  pieces.flatMap((piece) => (piece.symbols.length === 0 ? [] : [{ diff, piece, unit: undefined }]));

const globalConstants = (object: DiffObject): Piece[] =>
  object.pieces('constant').filter(({ symbols: [symbol] }) => symbol !== undefined && symbol.bind !== STB_LOCAL);

/** Says of each move what came of it. */
function settle(moves: Moves, diffs: readonly ObjectDiff[]): Finding[] {
  const refusals: Finding[] = [];
  for (const to of diffs) {
    for (const [from, group] of groupBy(
      [...moves].filter(([piece]) => to.comparator.patched.elf.sections[piece.section.index] === piece.section),
      ([, origin]) => origin.from,
    )) {
      const comparator = between(from, to, group);
      for (const [piece, { piece: before, unit: was }] of group) {
        const name = nameOf(before);
        const unit = to.comparator.correlation.patched.units.of(piece);
        if (unit === undefined || was === undefined) {
          from.remarks = from.remarks.filter(({ where }) => where?.symbol !== name);
          to.refusals = to.refusals.filter(({ where }) => where?.symbol !== nameOf(piece) || piece.kind !== 'percpu');
          const change = variableChange(comparator, before, piece, to.object);
          if (change !== undefined) refusals.push(change);
          continue;
        }
        const status = comparator.sameUnit(was, unit) ? 'unchanged' : 'changed';
        to.status.set(unit, status);
        const reason = `it moved here from ${from.object}${status === 'changed' ? ' and changed, or what it refers to did' : ''}`;
        from.functions = from.functions.filter((each) => each.name !== was.name || each.status !== 'removed');
        to.functions = to.functions.map((each) =>
          each.name === unit.name && each.status === 'new' ? { ...each, status, reason } : each,
        );
      }
    }
  }
  return refusals;
}

/** Compares what moved from one object to another. */
function between(from: ObjectDiff, to: ObjectDiff, moved: readonly (readonly [Piece, Origin])[]): Comparator {
  const { orig } = from.comparator.correlation;
  const { patched } = to.comparator.correlation;
  const units = new Map<Unit, Unit>();
  const variables = new Map<Piece, Piece>();
  for (const [piece, { piece: before, unit: was }] of moved) {
    const unit = patched.units.of(piece);
    if (unit !== undefined && was !== undefined) units.set(unit, was);
    else variables.set(piece, before);
  }
  return new Comparator({ orig, patched, units, variables, ambiguities: [], users: to.comparator.correlation.users });
}

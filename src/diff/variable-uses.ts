import type { DiffObject } from './object.ts';
import { nameOf, type Piece, unnumbered } from './piece.ts';
import { codeOf, type Side, type Unit, Units } from './unit.ts';
import { type SharedUses, sharedUses } from './use-context.ts';

/** Who uses the variables of two objects, by what the users are in both. */
export class VariableUses {
  readonly #orig: Side;
  readonly #patched: Side;
  /** Functions in pairs, those of the boot too: the patched one, and the original. */
  readonly #units: readonly (readonly [Unit, Unit])[];
  #users: Map<Piece, Set<string>> | undefined;

  constructor(orig: Side, patched: Side, units: ReadonlyMap<Unit, Unit>) {
    this.#orig = orig;
    this.#patched = patched;
    this.#units = [...units, ...matchInit(orig.object, patched.object)];
  }

  /** The users of a variable: `code f`, `init f`, `data t`; the same text before and after for what is the same. */
  users(piece: Piece): ReadonlySet<string> {
    this.#users ??= this.#collect();
    return this.#users.get(piece) ?? NONE;
  }

  #collect(): Map<Piece, Set<string>> {
    const users = new Map<Piece, Set<string>>();
    const note = (object: DiffObject, from: Piece, user: string): void => {
      for (const { target } of object.references(from)) {
        if (target.kind !== 'piece' || target.piece === from) continue;
        const known = users.get(target.piece);
        if (known === undefined) users.set(target.piece, new Set([user]));
        else known.add(user);
      }
    };
    const names = new Map(this.#units.map(([now, old]) => [now, old.name]));
    for (const { object, units } of [this.#orig, this.#patched]) {
      for (const [kind, list] of [
        ['code', units.all],
        ['init', new Units(object, 'init').all],
      ] as const) {
        for (const unit of list) {
          const name = `${kind} ${names.get(unit) ?? unit.name}`;
          for (const piece of codeOf(unit)) note(object, piece, name);
        }
      }
      for (const piece of object.pieces('data', 'constant', 'percpu')) {
        note(object, piece, `data ${unnumbered(nameOf(piece)) || piece.section.name}`);
      }
    }
    return users;
  }

  /** Uses of variables in surroundings that did not change, and the rest, over all functions and data. */
  shared(wild: ReadonlySet<Piece>): SharedUses {
    const pairs: (readonly [Piece, Piece])[] = [];
    const elsewhere = new Set<Piece>();
    const seen = new Set<Unit>();
    const [orig, patched] = [this.#orig.object, this.#patched.object];
    for (const [now, old] of this.#units) {
      seen.add(now).add(old);
      if (!usesAny(patched, now, wild) && !usesAny(orig, old, wild)) continue;
      const found = sharedUses(orig, old, patched, now, wild);
      pairs.push(...found.pairs);
      for (const piece of found.elsewhere) elsewhere.add(piece);
    }
    for (const { object, units } of [this.#orig, this.#patched]) {
      for (const unit of units.all) {
        if (seen.has(unit)) continue;
        for (const piece of used(object, unit, wild)) elsewhere.add(piece);
      }
    }
    const old = new Map(orig.pieces('data', 'constant').map((piece) => [nameOf(piece), piece]));
    for (const piece of patched.pieces('data', 'constant')) {
      const was = nameOf(piece) === '' ? undefined : old.get(nameOf(piece));
      if (was === undefined) continue;
      const before = new Map(orig.references(was).map(({ offset, target }) => [offset, target]));
      for (const { offset, target } of patched.references(piece)) {
        const other = before.get(offset);
        if (target.kind !== 'piece' || !wild.has(target.piece)) continue;
        if (other?.kind === 'piece' && wild.has(other.piece)) pairs.push([target.piece, other.piece]);
      }
    }
    return { pairs, elsewhere };
  }
}

const NONE: ReadonlySet<string> = new Set();

function used(object: DiffObject, unit: Unit, wild: ReadonlySet<Piece>): Piece[] {
  return codeOf(unit).flatMap((part) =>
    object
      .references(part)
      .flatMap(({ target }) => (target.kind === 'piece' && wild.has(target.piece) ? [target.piece] : [])),
  );
}

const usesAny = (object: DiffObject, unit: Unit, wild: ReadonlySet<Piece>): boolean =>
  used(object, unit, wild).length > 0;

/** Functions of the boot: what they use may live on, too. */
function matchInit(orig: DiffObject, patched: DiffObject): [Unit, Unit][] {
  const before = new Map(new Units(orig, 'init').all.map((unit) => [unnumbered(unit.name), unit]));
  return new Units(patched, 'init').all.flatMap((unit): [Unit, Unit][] => {
    const old = before.get(unnumbered(unit.name));
    return old === undefined ? [] : [[unit, old]];
  });
}

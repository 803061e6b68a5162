import { groupBy } from '../base/index.ts';
import type { Comparator } from './compare.ts';
import type { Moves } from './moves.ts';
import type { DiffObject } from './object.ts';
import { nameOf, type Piece, type Target } from './piece.ts';
import { codeOf, type Unit } from './unit.ts';
import type { XenNames } from './xen-names.ts';

/** A function or variable of an original object. */
export interface Original {
  readonly piece: Piece;
  readonly object: DiffObject;
}

/** The part of the original function that a part of the patched one is. */
const partOf = (unit: Unit, before: Unit, piece: Piece): Piece | undefined =>
  piece === unit.piece ? before.piece : before.cold[unit.cold.indexOf(piece)];

/** What the parts of a patched object were in the original one, by the names that the hypervisor has for it. */
export class Originals {
  readonly #comparator: Comparator;
  readonly #names: XenNames;
  readonly #moves: Moves;
  /** Constants of the original by name. */
  #constants: ReadonlyMap<string, readonly Piece[]> | undefined;

  constructor(comparator: Comparator, names: XenNames, moves: Moves) {
    this.#comparator = comparator;
    this.#names = names;
    this.#moves = moves;
  }

  /** The original of a function or variable, and the object that had it: this one, or the one that it moved from. `undefined` for what is new. */
  of(piece: Piece): Original | undefined {
    const { correlation, orig } = this.#comparator;
    const unit = correlation.patched.units.of(piece);
    if (unit === undefined) {
      const before = correlation.variables.get(piece);
      if (before !== undefined) return { piece: before, object: orig };
    } else {
      const before = correlation.units.get(unit);
      const part = before === undefined ? undefined : partOf(unit, before, piece);
      if (before !== undefined) return part && { piece: part, object: orig };
    }
    const origin = this.#moves.get(unit?.piece ?? piece);
    if (origin === undefined) return undefined;
    const part = unit === undefined || origin.unit === undefined ? origin.piece : partOf(unit, origin.unit, piece);
    return part && { piece: part, object: origin.from.comparator.orig };
  }

  /** What the hypervisor calls a function or variable that the original has under whatever name; `undefined` for what is new. */
  nameOf(piece: Piece): string | undefined {
    const before = this.of(piece);
    if (before !== undefined) return this.#names.nameOf(before.piece, before.object.file);
    return piece.kind === 'constant' ? this.constant(piece) : undefined;
  }

  /** The name under which the hypervisor has the same constant; `undefined` where the payload has to bring its own. */
  constant(piece: Piece): string | undefined {
    const { orig } = this.#comparator;
    if (piece.symbols.length === 0) return undefined;
    const moved = this.#moves.get(piece);
    if (moved !== undefined) return this.#names.nameOf(moved.piece, moved.from.comparator.orig.file);
    this.#constants ??= groupBy(orig.pieces('constant'), nameOf);
    for (const before of this.#constants.get(nameOf(piece)) ?? []) {
      if (!this.#comparator.sameConstant(before, piece)) continue;
      const name = this.#names.nameOf(before, orig.file);
      if (name !== undefined && this.#names.size(name) === before.end - before.start) return name;
    }
    return undefined;
  }

  /**
   * The name of what is gone after the boot, where the original of the function that `from` belongs to refers to it, too: numbers in names change with
   * the source.
   */
  init(piece: Piece, at: number, from: Piece): string | undefined {
    const place: Target = { kind: 'piece', piece, at };
    const same = this.#targets(from).find((each) => each.kind === 'piece' && this.#comparator.sameTarget(each, place));
    return same?.kind === 'piece' ? this.#names.nameOf(same.piece, this.#comparator.orig.file) : undefined;
  }

  /** Does the original of the function that `from` belongs to refer to something of that name? */
  referTo(from: Piece, name: string): boolean {
    const named = (target: Target): string | undefined =>
      target.kind === 'external' ? target.name : target.kind === 'piece' ? nameOf(target.piece) : undefined;
    return this.#targets(from).some((target) => named(target) === name);
  }

  #targets(from: Piece): Target[] {
    const { correlation, orig } = this.#comparator;
    const unit = correlation.patched.units.of(from);
    const before = unit && correlation.units.get(unit);
    if (before === undefined) return [];
    return codeOf(before).flatMap((piece) => orig.references(piece).map(({ target }) => target));
  }
}

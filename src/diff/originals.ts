import { groupBy } from '../base/index.ts';
import type { Comparator } from './compare.ts';
import { nameOf, type Piece, type Target } from './piece.ts';
import { codeOf } from './unit.ts';
import type { XenNames } from './xen-names.ts';

/** What the parts of a patched object were in the original one, by the names that the hypervisor has for it. */
export class Originals {
  readonly #comparator: Comparator;
  readonly #names: XenNames;
  /** Constants of the original by name. */
  #constants: ReadonlyMap<string, readonly Piece[]> | undefined;

  constructor(comparator: Comparator, names: XenNames) {
    this.#comparator = comparator;
    this.#names = names;
  }

  /** What the hypervisor calls a function or variable that the original has under whatever name; `undefined` for what is new. */
  nameOf(piece: Piece): string | undefined {
    const { correlation, orig } = this.#comparator;
    const unit = correlation.patched.units.of(piece);
    const before = unit === undefined ? correlation.variables.get(piece) : correlation.units.get(unit)?.piece;
    if (before !== undefined) return this.#names.nameOf(before, orig.file);
    return piece.kind === 'constant' ? this.constant(piece) : undefined;
  }

  /** The name under which the hypervisor has the same constant; `undefined` where the payload has to bring its own. */
  constant(piece: Piece): string | undefined {
    const { orig } = this.#comparator;
    if (piece.symbols.length === 0) return undefined;
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

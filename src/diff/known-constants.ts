import { groupBy } from '../base/index.ts';
import type { Comparator } from './compare.ts';
import { nameOf, type Piece } from './piece.ts';
import type { XenNames } from './xen-names.ts';

/** Constants that the hypervisor has, so that a payload need not bring them. */
export class KnownConstants {
  readonly #comparator: Comparator;
  readonly #names: XenNames;
  /** Those of the original by name. */
  #byName: ReadonlyMap<string, readonly Piece[]> | undefined;

  constructor(comparator: Comparator, names: XenNames) {
    this.#comparator = comparator;
    this.#names = names;
  }

  /** The name under which the hypervisor has the same constant; `undefined` where the payload has to bring its own. */
  nameOf(piece: Piece): string | undefined {
    const { orig } = this.#comparator;
    if (piece.symbols.length === 0) return undefined;
    this.#byName ??= groupBy(orig.pieces('constant'), nameOf);
    for (const before of this.#byName.get(nameOf(piece)) ?? []) {
      if (!this.#comparator.sameConstant(before, piece)) continue;
      const name = this.#names.nameOf(before, orig.file);
      if (name !== undefined && this.#names.size(name) === before.end - before.start) return name;
    }
    return undefined;
  }
}

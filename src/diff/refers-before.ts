import type { Comparator } from './compare.ts';
import { nameOf, type Piece } from './piece.ts';
import { codeOf } from './unit.ts';

/** Does the original of the function that a piece belongs to refer to something of that name? */
export function refersBefore({ correlation, orig }: Comparator, from: Piece, name: string): boolean {
  const unit = correlation.patched.units.of(from);
  const before = unit && correlation.units.get(unit);
  if (before === undefined || name === '') return false;
  return codeOf(before).some((piece) =>
    orig.references(piece).some(({ target }) => {
      if (target.kind === 'external') return target.name === name;
      return target.kind === 'piece' && nameOf(target.piece) === name;
    }),
  );
}

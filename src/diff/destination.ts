import type { Piece } from './piece.ts';
import type { Unit } from './unit.ts';

/** Where a reference of the payload leads. */
export type Destination =
  | { readonly kind: 'inside'; readonly piece: Piece; readonly at: number }
  /** A symbol that the loader looks up. */
  | { readonly kind: 'outside'; readonly name: string; readonly at: number }
  /** Nowhere: the place of an alternative without a replacement. */
  | { readonly kind: 'replacements' }
  | { readonly kind: 'absolute'; readonly value: number };

/** A function that is replaced. */
export interface Replacement {
  readonly unit: Unit;
  /** What the hypervisor calls it. */
  readonly name: string;
  /** Its size there, in bytes. */
  readonly oldSize: number;
}

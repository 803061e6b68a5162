import type { AddressRange } from '../xen/index.ts';

/** The tables of a `struct virtual_region` that trap handlers search. */
export interface TrapTables {
  /** Indexed by the number in the section's name; `undefined` where there is no such section. */
  readonly bugFrames: (AddressRange | undefined)[];
  exTable: AddressRange | null;
}

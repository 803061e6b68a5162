import type { LeafOptions, Permission } from '../arch/index.ts';
import type { Address } from '../base/index.ts';

export interface MapOptions extends LeafOptions {
  /** Use large pages where start, frame and length allow: the frames are then chosen to suit. */
  readonly superpages?: boolean;
}

/** Pages that follow each other and have the same permission. */
export interface MappedRange {
  readonly start: Address;
  readonly pages: number;
  readonly permission: Permission;
}

/** One line of a page-table walk. */
export interface WalkStep {
  /** As the format names it: `L4`. */
  readonly level: string;
  readonly index: number;
  readonly entry: bigint;
  /** Does the entry map a large page? */
  readonly superpage: boolean;
}

/** Memory that is mapped in one piece: its bytes themselves lie together, too. */
export interface MappedPiece {
  readonly start: Address;
  readonly bytes: Uint8Array;
  readonly permission: Permission;
}

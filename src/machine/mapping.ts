import type { LeafOptions, Permission } from '../arch/index.ts';
import type { Address } from '../base/index.ts';

export interface MapOptions extends LeafOptions {
  /** Use large pages if start, frame and length allow; frames are chosen to suit. */
  readonly superpages?: boolean;
}

/** Consecutive pages with the same permission. */
export interface MappedRange {
  readonly start: Address;
  readonly pages: number;
  readonly permission: Permission;
}

/** One step of a page-table walk. */
export interface WalkStep {
  /** The format's name of the level: `L4`. */
  readonly level: string;
  readonly index: number;
  readonly entry: bigint;
  /** Whether the entry maps a large page. */
  readonly superpage: boolean;
}

/** A contiguous mapping whose bytes are contiguous, too. */
export interface MappedPiece {
  readonly start: Address;
  readonly bytes: Uint8Array;
  readonly permission: Permission;
}

import type { BugFrameType, Release } from '../xen/index.ts';

/** One bug frame. Displacements are in bytes from its start. */
export interface DecodedBugFrame {
  /** Displacement of the trapping instruction. */
  readonly loc: number;
  /** Displacement of the file name or, for `run_fn`, of the function; `null` if a register holds it. */
  readonly pointer: number | null;
  /** Displacement of an assertion's condition; `null` if there is none. */
  readonly message: number | null;
  readonly line: number;
}

/** How an architecture writes `struct bug_frame`. */
export interface BugFrameFormat {
  /** sizeof(struct bug_frame): the section's size must be a multiple of it, and Xen steps by it when it searches. */
  readonly size: number;
  /** Returns the type of the frames in `.bug_frames.N`, by N. The release ignores sections with a higher number. */
  types(release: Release): readonly BugFrameType[];
  /** Returns the size of a whole entry in bytes: {@link size} and what follows the frame. */
  entrySize(type: BugFrameType): number;
  /** Reach of a displacement in bytes: `reach - 1` forward, `reach` backward. */
  readonly reach: bigint;
  decode(view: DataView, at: number, type: BugFrameType): DecodedBugFrame;
}

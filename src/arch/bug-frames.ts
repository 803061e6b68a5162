import type { BugFrameType, Release } from '../xen/index.ts';

/** One bug frame. Displacements, in bytes, are from its start. */
export interface DecodedBugFrame {
  /** Of the trapping instruction. */
  readonly loc: number;
  /** Of the file's name or, for `run_fn`, of the function; `null` where the code has that in a register. */
  readonly pointer: number | null;
  /** Of an assertion's condition; `null` where there is none. */
  readonly message: number | null;
  readonly line: number;
}

/** How an architecture writes `struct bug_frame`. */
export interface BugFrameFormat {
  /** sizeof(struct bug_frame): what the section's size has to be a multiple of, and the distance of frames that are searched. */
  readonly size: number;
  /** What `.bug_frames.N` holds in a release, by N. Sections with a higher number mean nothing to it. */
  types(release: Release): readonly BugFrameType[];
  /** Bytes that a whole entry of this kind takes: more than {@link size} where something is behind it. */
  entrySize(type: BugFrameType): number;
  /** How far a displacement reaches, in bytes: at most this less one forward, and this much back. */
  readonly reach: bigint;
  decode(view: DataView, at: number, type: BugFrameType): DecodedBugFrame;
}

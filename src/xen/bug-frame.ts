import { record } from '../base/index.ts';

/** Entries of `.bug_frames.N`. Sources: asm/bug.h of x86 and Arm, xen/include/xen/bug.h since 4.18 (60a9b07150). */

/** x86: 8 bytes. Bits 0–23 of each word are a displacement, bits 24–30 seven bits of the line. */
export const X86_BUG_FRAME = record('bug_frame', { loc: 'u32', ptr: 'u32' });

/** arm64, arm32: 16 bytes; displacements from the start of the frame. */
export const ARM_BUG_FRAME = record('bug_frame', {
  loc_disp: 'i32',
  file_disp: 'i32',
  msg_disp: 'i32',
  line: 'u16',
  pad0: 'u16',
});

/** A decoded x86 frame. Both displacements are bytes from the start of the frame: -2^23 … 2^23 - 1. */
export interface X86BugFrame {
  /** Displacement of the trapping instruction. */
  readonly locDisp: number;
  /** Displacement of the file name, or of the function for `run_fn`. */
  readonly ptrDisp: number;
  /** 0 … 16383. */
  readonly line: number;
}

const LINE_BITS = 7;
const LINE_MASK = (1 << LINE_BITS) - 1;
const DISP_BITS = 24;

/** Sign-extends bits 0–23. */
const displacement = (word: number): number => (word << (32 - DISP_BITS)) >> (32 - DISP_BITS);

/** Returns seven bits of the line. The assembler added displacement and line, so a negative displacement borrowed one. */
const lineBits = (word: number): number => ((word >>> DISP_BITS) + (displacement(word) < 0 ? 1 : 0)) & LINE_MASK;

/** Reads an x86 frame. */
export function decodeX86BugFrame(view: DataView, offset: number): X86BugFrame {
  const { loc, ptr } = X86_BUG_FRAME.read(view, offset);
  return {
    locDisp: displacement(loc),
    ptrDisp: displacement(ptr),
    line: (lineBits(loc) << LINE_BITS) | lineBits(ptr),
  };
}

const sum = (disp: number, line: number): number => (disp + line * 2 ** DISP_BITS) >>> 0;

/** Writes an x86 frame as the assembler computes it. */
export function encodeX86BugFrame(view: DataView, offset: number, frame: X86BugFrame): void {
  X86_BUG_FRAME.write(view, offset, {
    loc: sum(frame.locDisp, (frame.line >> LINE_BITS) & LINE_MASK),
    ptr: sum(frame.ptrDisp, frame.line & LINE_MASK),
  });
}

/**
 * The second half of an x86 assert. The first word is 0, and `msg_disp` counts from the start of the frame before it. The lookup
 * treats this half as a frame of its own, at an address that cannot trap.
 */
export const X86_ASSERT_SUFFIX = record('bug_frame', { zero: 'u32', msg_disp: 'i32' });

export type BugFrameType = 'run_fn' | 'warn' | 'bug' | 'assert';

const RUN_FN_FIRST: readonly BugFrameType[] = ['run_fn', 'warn', 'bug', 'assert'];
const WARN_FIRST: readonly BugFrameType[] = ['warn', 'bug', 'assert'];

/** Returns the frame types of `.bug_frames.N`, indexed by N. That release ignores sections with a higher number. */
export const bugFrameTypes = (hasRunFn: boolean): readonly BugFrameType[] => (hasRunFn ? RUN_FN_FIRST : WARN_FIRST);

/** Longest file name in a bug message. A longer one prints as `...` and its last 47 characters. */
export const BUG_FILE_NAME_MAX = 50;

/** Returns a file name as messages print it. Source: xen/common/bug.c, do_bug_frame (before 4.18 in each architecture). */
export const bugFileName = (name: string): { readonly prefix: '' | '...'; readonly name: string } =>
  name.length > BUG_FILE_NAME_MAX ? { prefix: '...', name: name.slice(3 - BUG_FILE_NAME_MAX) } : { prefix: '', name };

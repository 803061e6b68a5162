import type { ElfFile, ElfSection } from '../elf/index.ts';
import {
  ARM_BUG_FRAME,
  type BugFrameType,
  bugFramesSection,
  bugFrameTypes,
  X86_ASSERT_SUFFIX,
  X86_BUG_FRAME,
} from '../xen/index.ts';
import { type EntryTable, readEntries } from './entry-table.ts';
import { type PayloadPointer, type PointerReader, textAt } from './pointer.ts';

/** One place where the payload may trap on purpose. */
export interface PayloadBugFrame {
  /** Bytes from the start of the section. */
  readonly offset: number;
  /** The trapping instruction. */
  readonly loc: PayloadPointer;
  /** The file name, or the function to run. */
  readonly ptr: PayloadPointer;
  /** The string at `ptr`; `undefined` for `run_fn` and for pointers out of the payload. */
  readonly file: string | undefined;
  readonly line: number;
  /** The condition of an assertion. */
  readonly message: string | undefined;
}

/** The frames of one `.bug_frames.N`. */
export interface PayloadBugFrames extends EntryTable<PayloadBugFrame> {
  /** The N in the section's name. */
  readonly number: number;
  /** The meaning of N since 4.15, and on x86 in all releases; Arm used 0 for `warn` before. */
  readonly type: BugFrameType;
}

/** Reads a section of frames of one type for one architecture. */
export type BugFramesReader = (
  file: ElfFile,
  pointers: PointerReader,
  type: BugFrameType,
) => EntryTable<PayloadBugFrame>;

/**
 * Splits a word of an x86 frame: bits 0–23 are a displacement from the frame, bits 24–30 half of the line. The assembler leaves the sum of both
 * in the addend, so a negative displacement borrows one from the line; subtracting the displacement first restores it.
 */
function splitWord(pointers: PointerReader, at: number, frame: number): readonly [PayloadPointer, line: number] {
  const relocated = pointers.relocation(at, 4);
  const sum =
    relocated === undefined ? pointers.view.getInt32(at, true) : Number(relocated.addend & 0xffff_ffffn) + frame - at;
  const displacement = (sum << 8) >> 8;
  const line = ((sum - displacement) >>> 24) & 0x7f;
  const target =
    relocated === undefined
      ? pointers.place(pointers.section.index, frame + displacement)
      : pointers.fromSymbol(relocated.symbol, displacement);
  return [target, line];
}

/** x86: 8 bytes, and for assertions another 8 with the message. Source: asm-x86/bug.h, BUG_FRAME. */
export const readX86BugFrames: BugFramesReader = (file, pointers, type) => {
  // Xen's own search treats the second half of an assertion as a frame; only the section's size tells them apart.
  const paired = type === 'assert' && pointers.data.length % (X86_BUG_FRAME.size + X86_ASSERT_SUFFIX.size) === 0;
  return readEntries(pointers, X86_BUG_FRAME.size + (paired ? X86_ASSERT_SUFFIX.size : 0), (offset) => {
    const [loc, high] = splitWord(pointers, offset + X86_BUG_FRAME.at.loc, offset);
    const [ptr, low] = splitWord(pointers, offset + X86_BUG_FRAME.at.ptr, offset);
    const messageAt = offset + X86_BUG_FRAME.size + X86_ASSERT_SUFFIX.at.msg_disp;
    return {
      offset,
      loc,
      ptr,
      file: type === 'run_fn' ? undefined : textAt(file, ptr),
      line: (high << 7) | low,
      message: paired ? textAt(file, pointers.relative(messageAt, offset)) : undefined,
    };
  });
};

/** Arm: 16 bytes, displacements from the frame. Source: asm-arm/bug.h, BUG_FRAME. */
export const readArmBugFrames: BugFramesReader = (file, pointers, type) =>
  readEntries(pointers, ARM_BUG_FRAME.size, (offset) => {
    const ptr = pointers.relative(offset + ARM_BUG_FRAME.at.file_disp, offset);
    const message = pointers.relative(offset + ARM_BUG_FRAME.at.msg_disp, offset);
    return {
      offset,
      loc: pointers.relative(offset + ARM_BUG_FRAME.at.loc_disp, offset),
      ptr,
      file: type === 'run_fn' ? undefined : textAt(file, ptr),
      line: ARM_BUG_FRAME.read(pointers.view, offset).line,
      message: type === 'assert' ? textAt(file, message) : undefined,
    };
  });

/** Reads all sections `.bug_frames.N`. */
export const readBugFrames = (
  file: ElfFile,
  pointersOf: (section: ElfSection) => PointerReader,
  read: BugFramesReader,
): PayloadBugFrames[] =>
  bugFrameTypes(true).flatMap((type, number) => {
    const section = file.section(bugFramesSection(number));
    return section === undefined ? [] : [{ number, type, ...read(file, pointersOf(section), type) }];
  });

import { bugFrameTypes, decodeX86BugFrame, X86_ASSERT_SUFFIX, X86_BUG_FRAME } from '../../xen/index.ts';
import type { BugFrameFormat } from '../bug-frames.ts';

/** Bug frames of x86-64. A second entry holds an assertion's condition. */
export const X86_64_BUG_FRAMES: BugFrameFormat = {
  size: X86_BUG_FRAME.size,
  types: () => bugFrameTypes(true),
  entrySize: (type) => X86_BUG_FRAME.size + (type === 'assert' ? X86_ASSERT_SUFFIX.size : 0),
  // 24 bits. Source: asm-x86/bug.h, struct bug_frame.
  reach: 1n << 23n,
  decode(view, at, type) {
    const { locDisp, ptrDisp, line } = decodeX86BugFrame(view, at);
    const suffix = at + X86_BUG_FRAME.size;
    const hasSuffix = type === 'assert' && suffix + X86_ASSERT_SUFFIX.size <= view.byteLength;
    const message = hasSuffix ? X86_ASSERT_SUFFIX.read(view, suffix).msg_disp : null;
    return { loc: locDisp, pointer: ptrDisp, message, line };
  },
};

import { ARM_BUG_FRAME, bugFrameTypes } from '../../xen/index.ts';
import type { BugFrameFormat } from '../bug-frames.ts';

/** Bug frames of arm64 and arm32. x0 or r0 holds the function of `run_fn`. Source: asm-arm/bug.h. */
export const ARM_BUG_FRAMES: BugFrameFormat = {
  size: ARM_BUG_FRAME.size,
  types: ({ armRunFn }) => bugFrameTypes(armRunFn),
  entrySize: () => ARM_BUG_FRAME.size,
  reach: 1n << 31n,
  decode(view, at, type) {
    const { loc_disp, file_disp, msg_disp, line } = ARM_BUG_FRAME.read(view, at);
    return {
      loc: loc_disp,
      pointer: type === 'run_fn' ? null : file_disp,
      message: type === 'assert' ? msg_disp : null,
      line,
    };
  },
};

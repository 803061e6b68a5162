import { viewOf } from '../../base/index.ts';
import type { CodeBranch, CodeForms } from '../code-forms.ts';

/** Size of an instruction, in bytes. */
const WORD = 4;

/**
 * Makes the code forms of arm64 or arm32. Nothing tracks indirect calls, and no PC-relative operand writes: code loads addresses into registers first.
 *
 * @param branchOffset returns the offset of an immediate branch in bytes; `undefined` for any other instruction
 * @param pipeline the PC that offsets are relative to, in bytes from the branch
 */
export const armCode = (
  branchOffset: (word: number) => number | undefined,
  pipeline: 0 | 8,
  operands: CodeForms['operands'],
): CodeForms => ({
  landingPad: null,
  longestNop: WORD,
  branchesTo(code, targets) {
    const found: CodeBranch[] = [];
    if (targets.length === 0) return found;
    const wanted = new Uint8Array(code.length);
    for (const { start, end } of targets) wanted.fill(1, Math.max(0, start), Math.max(0, end));
    const view = viewOf(code);
    for (let at = 0; at + WORD <= code.length; at += WORD) {
      const offset = branchOffset(view.getUint32(at, true));
      const target = offset === undefined ? -1 : at + pipeline + offset;
      if (target >= 0 && wanted[target] === 1) found.push({ at, size: WORD, target });
    }
    return found;
  },
  operands,
  mayWriteAt: () => false,
  takesAddressAt: () => false,
  foreign: [],
});

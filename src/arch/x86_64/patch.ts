import { type Address, addOffset, lowWord } from '../../base/index.ts';
import { LIVEPATCH_OPAQUE_SIZE } from '../../xen/index.ts';
import type { FunctionState, PatchContext, PatchedFunction, Refusal } from '../architecture.ts';
import { ENDBR64_LEN, isLandingPad } from './endbr.ts';

/** Size of `jmp rel32`: opcode and 32-bit displacement. Intel SDM volume 2, JMP. */
export const PATCH_INSN_SIZE = 5;
const JMP_REL32 = 0xe9;

/** Encodes `jmp to` at `from`. */
export function encodeJump(from: Address, to: Address): Uint8Array {
  const displacement = lowWord(to - addOffset(from, PATCH_INSN_SIZE));
  return Uint8Array.of(
    JMP_REL32,
    displacement & 0xff,
    (displacement >>> 8) & 0xff,
    (displacement >>> 16) & 0xff,
    displacement >>> 24,
  );
}

/** Tells whether the function starts with an ENDBR64. Like the release, may read the function and fault. */
const startsWithEndbr = (address: Address, { memory, release }: PatchContext): boolean =>
  release.endbr !== 'ignored' && isLandingPad(memory.read(address, ENDBR64_LEN), release);

/** livepatch_insn_len(): an unsigned 32-bit subtraction, which wraps if the NOPs are shorter than the offset. */
export const insnLength = (func: PatchedFunction, patchOffset: number): number =>
  func.newAddr === 0n ? (func.newSize - patchOffset) >>> 0 : PATCH_INSN_SIZE;

/** arch_livepatch_verify_func: prints nothing. Source: xen/arch/x86/livepatch.c. */
export function verifyFunc(func: PatchedFunction, context: PatchContext): Refusal | null {
  if (func.newAddr === 0n) {
    if (func.newSize > LIVEPATCH_OPAQUE_SIZE) {
      return {
        rule: 'nop-too-long',
        errno: 'EOPNOTSUPP',
        message: `new_size is ${func.newSize} bytes of NOPs, but Xen can save at most ${LIVEPATCH_OPAQUE_SIZE} bytes for the revert`,
      };
    }
    if (func.oldSize < func.newSize) {
      return {
        rule: 'nop-past-function',
        errno: 'EINVAL',
        message: `new_size is ${func.newSize} bytes of NOPs, but old_size is only ${func.oldSize}`,
      };
    }
    return null;
  }
  const endbr = startsWithEndbr(func.oldAddr, context);
  const needed = PATCH_INSN_SIZE + (endbr ? ENDBR64_LEN : 0);
  if (func.oldSize < needed) {
    return {
      rule: 'function-too-small',
      errno: 'EINVAL',
      message: `old_size is ${func.oldSize}, but the jump needs ${needed} bytes${endbr ? ', including the ENDBR64 before it' : ''}`,
    };
  }
  return null;
}

/** arch_livepatch_apply: writes the jump or the NOPs, after an ENDBR64 if the function starts with one at this moment. */
export function apply(func: PatchedFunction, state: FunctionState, context: PatchContext): void {
  state.patchOffset = 0;
  if (startsWithEndbr(func.oldAddr, context)) state.patchOffset = ENDBR64_LEN;
  const { patchOffset } = state;
  const length = insnLength(func, patchOffset);
  if (length === 0) return;
  // verifyFunc has no lower bound for NOPs: if they are shorter than the ENDBR64, the length wraps to 4 GiB, and the copy
  // into the 31-byte buffer overwrites everything after it.
  if (length > LIVEPATCH_OPAQUE_SIZE) {
    context.reset(`copying ${length} bytes into the ${LIVEPATCH_OPAQUE_SIZE}-byte instruction buffer`);
  }
  const place = addOffset(func.oldAddr, patchOffset);
  state.saveInsns(context.memory.read(place, length));
  context.memory.write(place, func.newAddr === 0n ? context.nops(length) : encodeJump(place, func.newAddr));
}

/** arch_livepatch_revert: writes the saved bytes back. */
export function revert(func: PatchedFunction, state: FunctionState, context: PatchContext): void {
  const { patchOffset } = state;
  const length = insnLength(func, patchOffset);
  if (length === 0) return;
  context.memory.write(addOffset(func.oldAddr, patchOffset), state.savedInsns(length));
}

import { type Address, addOffset, lowWord } from '../../base/index.ts';
import { LIVEPATCH_OPAQUE_SIZE } from '../../xen/index.ts';
import type { FunctionState, PatchContext, PatchedFunction, Refusal } from '../architecture.ts';
import { ENDBR64_LEN, isLandingPad } from './endbr.ts';

/** Opcode and 32-bit displacement of `jmp rel32`. Intel SDM volume 2, JMP. */
export const PATCH_INSN_SIZE = 5;
const JMP_REL32 = 0xe9;

/** `jmp to` as it reads at `from`. Vectors: facts of ARCH_PATCH_INSN_SIZE in test/arch. */
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

/** Tells whether the function starts with an ENDBR64. Reads the memory there where the release does: it may fault. */
const startsWithEndbr = (address: Address, { memory, release }: PatchContext): boolean =>
  release.endbr !== 'ignored' && isLandingPad(memory.read(address, ENDBR64_LEN), release);

/** livepatch_insn_len(): a 32-bit unsigned subtraction, which wraps for a NOP shorter than the offset. */
export const insnLength = (func: PatchedFunction, patchOffset: number): number =>
  func.newAddr === 0n ? (func.newSize - patchOffset) >>> 0 : PATCH_INSN_SIZE;

/** arch_livepatch_verify_func: says nothing on the console. Source: xen/arch/x86/livepatch.c. */
export function verifyFunc(func: PatchedFunction, context: PatchContext): Refusal | null {
  if (func.newAddr === 0n) {
    if (func.newSize > LIVEPATCH_OPAQUE_SIZE) {
      return {
        rule: 'nop-too-long',
        errno: 'EOPNOTSUPP',
        message: `${func.newSize} bytes of NOPs: at most ${LIVEPATCH_OPAQUE_SIZE} bytes can be saved for the revert`,
      };
    }
    if (func.oldSize < func.newSize) {
      return {
        rule: 'nop-past-function',
        errno: 'EINVAL',
        message: `${func.newSize} bytes of NOPs do not fit into a function of ${func.oldSize} bytes`,
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
      message: `old_size is ${func.oldSize}: the jump needs ${needed} bytes${endbr ? ' behind the ENDBR64 that starts the function' : ''}`,
    };
  }
  return null;
}

/** arch_livepatch_apply: the jump (or the NOPs) goes behind an ENDBR64, tested now and not when the payload was loaded. */
export function apply(func: PatchedFunction, state: FunctionState, context: PatchContext): void {
  state.patchOffset = 0;
  if (startsWithEndbr(func.oldAddr, context)) state.patchOffset = ENDBR64_LEN;
  const { patchOffset } = state;
  const length = insnLength(func, patchOffset);
  if (length === 0) return;
  // verifyFunc bounds a NOP by the buffer, not from below: a NOP shorter than the ENDBR64 wraps to 4 GiB, and the copy
  // into the 31-byte buffer runs over everything behind it.
  if (length > LIVEPATCH_OPAQUE_SIZE) {
    context.reset(`copying ${length} bytes into the ${LIVEPATCH_OPAQUE_SIZE}-byte instruction buffer`);
  }
  const place = addOffset(func.oldAddr, patchOffset);
  state.saveInsns(context.memory.read(place, length));
  context.memory.write(place, func.newAddr === 0n ? context.nops(length) : encodeJump(place, func.newAddr));
}

/** arch_livepatch_revert: the saved bytes go back to where they were. */
export function revert(func: PatchedFunction, state: FunctionState, context: PatchContext): void {
  const { patchOffset } = state;
  const length = insnLength(func, patchOffset);
  if (length === 0) return;
  context.memory.write(addOffset(func.oldAddr, patchOffset), state.savedInsns(length));
}

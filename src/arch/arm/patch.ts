import { type Address, viewOf } from '../../base/index.ts';
import { LIVEPATCH_OPAQUE_SIZE } from '../../xen/index.ts';
import type { FunctionState, PatchContext, PatchedFunction, Refusal } from '../architecture.ts';

/** ARCH_PATCH_INSN_SIZE: every instruction, and so the branch, has four bytes. Source: asm-arm/livepatch.h. */
export const ARM_PATCH_INSN_SIZE = 4;

/** How one of the two instruction sets patches. */
export interface ArmEncoding {
  /** The branch, or what the hypervisor writes where it cannot be encoded. */
  encodeBranch(from: Address, to: Address): { readonly word: number; readonly refused: BranchRefusal | null };
  readonly nop: number;
  /** Where its arch_livepatch_apply is. */
  readonly file: string;
}

/** Why there is no branch, in the hypervisor's words. */
export interface BranchRefusal {
  /** What it prints, at level ERR; `null` where it does not look. */
  readonly log: string | null;
  /** What a debug build asserts. */
  readonly condition: string;
}

/** A word as it is in memory. */
export function wordBytes(word: number, count = 1): Uint8Array {
  const bytes = new Uint8Array(4 * count);
  const view = viewOf(bytes);
  for (let i = 0; i < count; i++) view.setUint32(4 * i, word, true);
  return bytes;
}

/** arch_livepatch_verify_func: says nothing on the console, and reads nothing. Source: xen/arch/arm/livepatch.c. */
export function verifyFunc(func: PatchedFunction): Refusal | null {
  if (func.newAddr === 0n && (func.newSize > LIVEPATCH_OPAQUE_SIZE || func.newSize % ARM_PATCH_INSN_SIZE !== 0)) {
    const message =
      func.newSize > LIVEPATCH_OPAQUE_SIZE
        ? `${func.newSize} bytes of NOPs: at most ${LIVEPATCH_OPAQUE_SIZE} bytes can be saved for the revert`
        : `${func.newSize} bytes of NOPs: instructions have ${ARM_PATCH_INSN_SIZE} bytes each`;
    return { rule: 'nop-length', errno: 'EOPNOTSUPP', message };
  }
  if (func.oldSize >= ARM_PATCH_INSN_SIZE) return null;
  const message = `old_size is ${func.oldSize}: the branch needs ${ARM_PATCH_INSN_SIZE} bytes`;
  return { rule: 'function-too-small', errno: 'EINVAL', message };
}

/** livepatch_insn_len(): where the state is in the payload, the file may say anything of its offset. */
export const insnLength = (func: PatchedFunction, patchOffset: number): number =>
  func.newAddr === 0n ? (func.newSize - patchOffset) >>> 0 : ARM_PATCH_INSN_SIZE;

/**
 * arch_livepatch_apply: the function's first instruction becomes a branch, or several become NOPs, through the writable
 * mapping of the hypervisor's text. Old_addr outside of the hypervisor's image ends up outside of that mapping.
 * Source: xen/arch/arm/arm64/livepatch.c, arm32/livepatch.c.
 */
export function armApply(encoding: ArmEncoding) {
  return (func: PatchedFunction, state: FunctionState, context: PatchContext): void => {
    const length = insnLength(func, state.patchOffset);
    if (length === 0) return;
    context.within('memcpy', () => state.saveInsns(context.memory.read(func.oldAddr, length)));
    let word = encoding.nop;
    if (func.newAddr !== 0n) {
      const branch = encoding.encodeBranch(func.oldAddr, func.newAddr);
      word = branch.word;
      if (branch.refused !== null) {
        const { log, condition } = branch.refused;
        if (log !== null) context.log('ERR', log);
        context.assertionFails('arch_livepatch_apply', condition, encoding.file);
      }
    }
    const place = context.textAlias(func.oldAddr);
    const count = Math.floor(length / 4);
    context.memory.write(place, wordBytes(word, count));
    if (func.newAddr !== 0n) context.cleanDataCache(func.newAddr, func.newSize);
    context.cleanDataCache(place, 4 * count);
  };
}

/** arch_livepatch_revert, shared by both. */
export function revert(func: PatchedFunction, state: FunctionState, context: PatchContext): void {
  const place = context.textAlias(func.oldAddr);
  const length = insnLength(func, state.patchOffset);
  context.within('memcpy', () => context.memory.write(place, state.savedInsns(length)));
  context.cleanDataCache(place, length);
}

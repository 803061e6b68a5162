import { type Address, viewOf } from '../../base/index.ts';
import { LIVEPATCH_OPAQUE_SIZE } from '../../xen/index.ts';
import type { FunctionState, PatchContext, PatchedFunction, Refusal } from '../architecture.ts';

/** ARCH_PATCH_INSN_SIZE: every instruction has four bytes. Source: asm-arm/livepatch.h. */
export const ARM_PATCH_INSN_SIZE = 4;

/** How arm64 or arm32 patches. */
export interface ArmEncoding {
  /** Returns the branch or, if it cannot be encoded, what the hypervisor writes instead. */
  encodeBranch(from: Address, to: Address): { readonly word: number; readonly refused: BranchRefusal | null };
  readonly nop: number;
  /** Source file of its arch_livepatch_apply. */
  readonly file: string;
}

/** Why the branch cannot be encoded, in the hypervisor's words. */
export interface BranchRefusal {
  /** The line that it prints at level ERR; `null` if it does not check. */
  readonly log: string | null;
  /** The condition that a debug build asserts. */
  readonly condition: string;
}

/** Returns `count` copies of a word as bytes in memory. */
export function wordBytes(word: number, count = 1): Uint8Array {
  const bytes = new Uint8Array(4 * count);
  const view = viewOf(bytes);
  for (let i = 0; i < count; i++) view.setUint32(4 * i, word, true);
  return bytes;
}

/** arch_livepatch_verify_func: prints nothing and reads no memory. Source: xen/arch/arm/livepatch.c. */
export function verifyFunc(func: PatchedFunction): Refusal | null {
  if (func.newAddr === 0n && (func.newSize > LIVEPATCH_OPAQUE_SIZE || func.newSize % ARM_PATCH_INSN_SIZE !== 0)) {
    const message =
      func.newSize > LIVEPATCH_OPAQUE_SIZE
        ? `new_size is ${func.newSize} bytes of NOPs, but Xen can save at most ${LIVEPATCH_OPAQUE_SIZE} bytes for the revert`
        : `new_size is ${func.newSize} bytes of NOPs, which must be a multiple of ${ARM_PATCH_INSN_SIZE}`;
    return { rule: 'nop-length', errno: 'EOPNOTSUPP', message };
  }
  if (func.oldSize >= ARM_PATCH_INSN_SIZE) return null;
  const message = `old_size is ${func.oldSize}, but the branch needs ${ARM_PATCH_INSN_SIZE} bytes`;
  return { rule: 'function-too-small', errno: 'EINVAL', message };
}

/** livepatch_insn_len(). In releases that keep the state in the payload, the file can set any offset. */
export const insnLength = (func: PatchedFunction, patchOffset: number): number =>
  func.newAddr === 0n ? (func.newSize - patchOffset) >>> 0 : ARM_PATCH_INSN_SIZE;

/**
 * arch_livepatch_apply: writes a branch over the function's first instruction, or NOPs over several, through the writable
 * mapping of the hypervisor's text. An old_addr outside the hypervisor's image maps outside that mapping.
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

/** arch_livepatch_revert. */
export function revert(func: PatchedFunction, state: FunctionState, context: PatchContext): void {
  const place = context.textAlias(func.oldAddr);
  const length = insnLength(func, state.patchOffset);
  context.within('memcpy', () => context.memory.write(place, state.savedInsns(length)));
  context.cleanDataCache(place, length);
}

import type { Address } from '../../base/index.ts';
import type { ArmEncoding, BranchRefusal } from '../arm/patch.ts';
import { ARM32_RANGE } from './relocations.ts';

/** `mov r0, r0`. */
export const ARM32_NOP = 0xe1a0_0000;
const B = 0xea00_0000;
const IMM24_MASK = 0x00ff_ffff;
/** Branch offsets count from two instructions ahead. */
const PIPELINE = 8n;

/** BUG_OPCODE, an undefined instruction. Source: asm-arm/arm32/bug.h. */
export const ARM32_BUG_OPCODE = 0xe7f0_00f0;

/** The assertion of arch_livepatch_apply cannot fail on arm32. */
const NONE: BranchRefusal | null = null;

/** Encodes `b to` at `from`. Like Xen, checks neither range nor alignment. Source: xen/arch/arm/arm32/livepatch.c; ARM DDI 0406C, A8.8.18. */
function encodeBranch(from: Address, to: Address): { readonly word: number; readonly refused: BranchRefusal | null } {
  const delta = BigInt.asIntN(32, to - (from + PIPELINE));
  return { word: (B | Number(BigInt.asUintN(24, delta >> 2n))) >>> 0, refused: NONE };
}

export const ARM32_ENCODING: ArmEncoding = {
  encodeBranch,
  nop: ARM32_NOP,
  file: 'arch/arm/arm32/livepatch.c',
};

/** aarch32_get_branch_offset, in bytes; `undefined` for anything but B, BL and BLX. Source: xen/arch/arm/arm32/insn.c. */
export const branchOffset = (word: number): number | undefined =>
  (word & 0x0e00_0000) >>> 0 === 0x0a00_0000 ? ((word << 8) >> 8) * 4 : undefined;

/** aarch32_set_branch_offset; `null` if out of range: the hypervisor then writes BUG_OPCODE. */
export function withBranchOffset(word: number, offset: number): number | null {
  if (offset < -Number(ARM32_RANGE) || offset >= Number(ARM32_RANGE)) return null;
  return ((word & ~IMM24_MASK) | ((offset >> 2) & IMM24_MASK)) >>> 0;
}

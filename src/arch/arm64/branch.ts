import { type Address, s64 } from '../../base/index.ts';
import type { ArmEncoding, BranchRefusal } from '../arm/patch.ts';
import type { RelocationField } from '../relocation.ts';
import { extractField, insertField } from '../relocation-value.ts';
import { BRANCH14, BRANCH19, BRANCH26 } from './fields.ts';

/** ARCH_LIVEPATCH_RANGE, the reach of B. Source: asm-arm/arm64/livepatch.h; ARM DDI 0487, C6.2.25. */
export const ARM64_RANGE = 0x800_0000n;

/** `nop`. */
export const ARM64_NOP = 0xd503_201f;
const B = 0x1400_0000;
/** AARCH64_BREAK_FAULT, `brk #0x2`: Xen writes it for an instruction that it cannot encode. Source: asm-arm/arm64/brk.h, insn.h. */
export const ARM64_BREAK_FAULT = 0xd420_0040;

const CONDITION = 'insn != AARCH64_BREAK_FAULT';
const MISALIGNED: BranchRefusal = {
  log: 'branch_imm_common: A64 instructions must be word aligned',
  condition: CONDITION,
};
const OUT_OF_RANGE: BranchRefusal = { log: 'branch_imm_common: offset out of range', condition: CONDITION };

/** Encodes `b to` at `from`, or BRK if it cannot be encoded. Source: xen/arch/arm/arm64/insn.c, aarch64_insn_gen_branch_imm. */
function encodeBranch(from: Address, to: Address): { readonly word: number; readonly refused: BranchRefusal | null } {
  if ((from & 3n) !== 0n || (to & 3n) !== 0n) return { word: ARM64_BREAK_FAULT, refused: MISALIGNED };
  const offset = s64(to - from);
  if (offset < -ARM64_RANGE || offset >= ARM64_RANGE) return { word: ARM64_BREAK_FAULT, refused: OUT_OF_RANGE };
  return { word: (B | Number(BigInt.asUintN(26, offset >> 2n))) >>> 0, refused: null };
}

export const ARM64_ENCODING: ArmEncoding = {
  encodeBranch,
  nop: ARM64_NOP,
  file: 'arch/arm/arm64/livepatch.c',
};

/** Masks and values of the branches that Xen retargets in alternatives. Source: asm-arm/arm64/insn.h; ARM DDI 0487, C4.1. */
const BRANCHES: readonly (readonly [mask: number, value: number, field: RelocationField])[] = [
  // B, BL
  [0x7c00_0000, 0x1400_0000, BRANCH26],
  // TBZ, TBNZ
  [0x7e00_0000, 0x3600_0000, BRANCH14],
  // CBZ, CBNZ
  [0x7e00_0000, 0x3400_0000, BRANCH19],
  // B.cond
  [0xff00_0010, 0x5400_0000, BRANCH19],
];

const fieldOf = (word: number): RelocationField | undefined =>
  BRANCHES.find(([mask, value]) => (word & mask) >>> 0 === value)?.[2];

/** aarch64_get_branch_offset, in bytes; `undefined` for any other instruction. */
export function branchOffset(word: number): number | undefined {
  const field = fieldOf(word);
  if (field === undefined) return undefined;
  const unused = 32 - field.bits;
  return ((extractField(field, word) << unused) >> unused) * 4;
}

/** aarch64_set_branch_offset: silently truncates an offset that is out of range. */
export const withBranchOffset = (word: number, offset: number): number =>
  insertField(fieldOf(word) as RelocationField, word, BigInt(offset));

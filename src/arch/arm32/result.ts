import type { ResultStep } from '../arm/image.ts';

/** Opcodes that set a result in r0, and the return. Source: ARM DDI 0406C, A8.8.102, A8.8.106. */
const MOV_R0 = 0xe3a0_0000;
const MOVW_R0 = 0xe300_0000;
const MOVT_R0 = 0xe340_0000;
const BX_LR = 0xe12f_ff1e;

const half = (word: number): bigint => BigInt(((word >>> 4) & 0xf000) | (word & 0xfff));

/** Decodes a modified immediate: eight bits, rotated right by twice a four-bit count. */
const modified = (word: number): bigint => {
  const rotation = ((word >>> 8) & 0xf) * 2;
  const value = word & 0xff;
  return BigInt((rotation === 0 ? value : (value >>> rotation) | (value << (32 - rotation))) >>> 0);
};

/** `ldr r0, [pc, #imm12]`, relative to two instructions ahead. A8.8.64. */
const LDR_R0 = 0xe59f_0000;

/** Interprets `mov r0, #imm`, `movw r0` and `movt r0`, and `ldr r0` of a literal, up to `bx lr`. */
export const resultStep: ResultStep = (word, result, _at, literal) => {
  if (word === BX_LR) return 'return';
  if ((word & 0xffff_f000) >>> 0 === MOV_R0) return modified(word);
  if ((word & 0xffff_f000) >>> 0 === LDR_R0) {
    const value = literal(8 + (word & 0xfff));
    return value === undefined ? undefined : BigInt(value);
  }
  if ((word & 0xfff0_f000) >>> 0 === MOVW_R0) return half(word);
  if (result !== undefined && (word & 0xfff0_f000) >>> 0 === MOVT_R0) return (half(word) << 16n) | (result & 0xffffn);
  return undefined;
};

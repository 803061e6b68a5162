import type { Address } from '../../base/index.ts';
import type { ResultStep } from '../arm/image.ts';

/** Opcodes that set a result in x0 or w0, and the return. Source: ARM DDI 0487, C6.2. */
const MOVZ_W0 = 0x5280_0000;
const ADRP_X0 = 0x9000_0000;
const ADR_X0 = 0x1000_0000;
const ADD_X0 = 0x9100_0000;
const RET = 0xd65f_03c0;

const adrImmediate = (word: number): bigint => {
  const immediate = (((word >>> 5) & 0x7_ffff) << 2) | ((word >>> 29) & 3);
  return BigInt((immediate << 11) >> 11);
};

/** Interprets `mov w0, #imm`, `adrp x0` and `add x0, x0, #imm`, and `adr x0`, up to `ret`. */
export const resultStep: ResultStep = (word: number, result: bigint | undefined, at: Address) => {
  if (word === RET) return 'return';
  if ((word & 0xffe0_001f) >>> 0 === MOVZ_W0) return BigInt((word >>> 5) & 0xffff);
  if ((word & 0x9f00_001f) >>> 0 === ADRP_X0) return (at & ~0xfffn) + (adrImmediate(word) << 12n);
  if ((word & 0x9f00_001f) >>> 0 === ADR_X0) return at + adrImmediate(word);
  if (result !== undefined && (word & 0xffc0_03ff) >>> 0 === ADD_X0) return result + BigInt((word >>> 10) & 0xfff);
  return undefined;
};

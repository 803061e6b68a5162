import type { FieldEncoding, FieldPart, RelocationField } from '../relocation.ts';

/** Immediate fields of arm64 that relocations and alternatives change. Source: ARM DDI 0487, C4.1. */

const field = (lsb: number, bits: number, ...parts: readonly FieldPart[]): RelocationField => ({
  ...{ lsb, bits, parts, encoding: 'replace' },
});

/** B, BL. */
export const BRANCH26 = field(2, 26, { at: 0, bits: 26 });
/** B.cond, CBZ, CBNZ. */
export const BRANCH19 = field(2, 19, { at: 5, bits: 19 });
/** TBZ, TBNZ. */
export const BRANCH14 = field(2, 14, { at: 5, bits: 14 });

const IMMLO_IMMHI: readonly FieldPart[] = [
  { at: 29, bits: 2 },
  { at: 5, bits: 19 },
];
export const ADR = field(0, 21, ...IMMLO_IMMHI);
/** Counts pages. */
export const ADRP = field(12, 21, ...IMMLO_IMMHI);

/** Makes the field of ADD, or of loads and stores with an unsigned offset: bits `lsb` to 11 of an address. */
export const pageOffset = (lsb: number): RelocationField => field(lsb, 12 - lsb, { at: 10, bits: 12 });

/** Makes the field of MOVZ, MOVK and MOVN: sixteen bits from bit `lsb` on. */
export const imm16 = (lsb: number, encoding: FieldEncoding): RelocationField => ({
  ...field(lsb, 16, { at: 5, bits: 16 }),
  encoding,
});

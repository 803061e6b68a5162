/**
 * The one place where absolute addresses and plain numbers meet.
 *
 * The type is the unit: a `bigint` is an absolute address (or a raw 64-bit field that may hold one), a
 * `number` is an offset, a size, a count or an index. TypeScript refuses to add the two.
 */

/** An absolute address, always in 0 … 2^64-1. */
export type Address = bigint;

/** Wraps any integer to an unsigned 64-bit value, as the CPU does. */
export const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);

/** Reads an unsigned 64-bit value as a two's complement one. */
export const s64 = (value: bigint): bigint => BigInt.asIntN(64, value);

/** `base + offset`, wrapped to 64 bits. `offset` is a safe integer. */
export const addOffset = (base: Address, offset: number): Address => u64(base + BigInt(offset));

/** `to - from` in bytes, or `undefined` where the distance does not fit a safe integer. */
export function distance(from: Address, to: Address): number | undefined {
  const bytes = Number(s64(to - from));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The value of a 64-bit field as a plain number, or `undefined` where it is larger than a safe integer. */
export function toNumber(value: bigint): number | undefined {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : undefined;
}

/** Bits 0 … 31 of a 64-bit value. */
export const lowWord = (value: bigint): number => Number(value & 0xffff_ffffn);

/** Bits 32 … 63 of a 64-bit value. */
export const highWord = (value: bigint): number => Number((value >> 32n) & 0xffff_ffffn);

/** The 64-bit value made of two unsigned 32-bit words. */
export const fromWords = (low: number, high: number): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);

/** As C's `%p` in Xen prints it on a 64-bit build: 16 hex digits, zero padded, no `0x`. */
export const pointerText = (address: Address, pointerSize: 4 | 8 = 8): string =>
  address.toString(16).padStart(pointerSize * 2, '0');

/** As reports print an address: `0x` and lower-case hex digits. */
export const hexAddress = (address: Address): string => `0x${address.toString(16)}`;

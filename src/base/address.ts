/**
 * The only place that converts between absolute addresses and plain numbers.
 *
 * The type is the unit: a `bigint` is an absolute address (or a raw 64-bit field that may contain one), a `number` is an offset,
 * size, count or index. TypeScript refuses to add the two.
 */

/** An absolute address, always in 0 … 2^64-1. */
export type Address = bigint;

/** Wraps any integer to an unsigned 64-bit value, as the CPU does. */
export const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);

/** Reinterprets an unsigned 64-bit value as two's complement. */
export const s64 = (value: bigint): bigint => BigInt.asIntN(64, value);

/** Returns `base + offset`, wrapped to 64 bits. `offset` is a safe integer. */
export const addOffset = (base: Address, offset: number): Address => u64(base + BigInt(offset));

/** Returns `to - from` in bytes, or `undefined` if it exceeds a safe integer. */
export function distance(from: Address, to: Address): number | undefined {
  const bytes = Number(s64(to - from));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Returns a 64-bit field as a number, or `undefined` if it exceeds a safe integer. */
export function toNumber(value: bigint): number | undefined {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : undefined;
}

/** Returns bits 0 … 31 of a 64-bit value. */
export const lowWord = (value: bigint): number => Number(value & 0xffff_ffffn);

/** Returns bits 32 … 63 of a 64-bit value. */
export const highWord = (value: bigint): number => Number((value >> 32n) & 0xffff_ffffn);

/** Joins two unsigned 32-bit words to a 64-bit value. */
export const fromWords = (low: number, high: number): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);

/** Formats an address like Xen's `%p`: all digits of the pointer size (8 bytes by default), zero-padded, without `0x`. */
export const pointerText = (address: Address, pointerSize: 4 | 8 = 8): string =>
  address.toString(16).padStart(pointerSize * 2, '0');

/** Formats an address for reports: `0x` and lower-case hex digits. */
export const hexAddress = (address: Address): string => `0x${address.toString(16)}`;

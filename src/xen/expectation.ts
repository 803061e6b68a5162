import { assert } from '../base/index.ts';

/**
 * `struct livepatch_expectation` (4.14 and later, 8e24c88788): the bytes that must be at `old_addr` before Xen patches a function.
 * 32 bytes:
 * one byte of bit-fields, allocated from bit 0 upwards, and 31 bytes of data.
 * Source: xen/include/public/sysctl.h; the bit order is GCC's on little-endian machines.
 */
export interface LivepatchExpectation {
  readonly enabled: boolean;
  /** Bytes of `data` to compare: 0 … 31. */
  readonly len: number;
  /** Two bits that must be 0 if `enabled` is set. */
  readonly rsv: number;
  /** Always 31 bytes. */
  readonly data: Uint8Array;
}

export const LIVEPATCH_EXPECTATION_SIZE = 32;

/** Decodes 32 bytes; copies `data`. */
export function decodeExpectation(bytes: Uint8Array): LivepatchExpectation {
  assert(bytes.length === LIVEPATCH_EXPECTATION_SIZE, `an expectation has 32 bytes, got ${bytes.length}`);
  const bits = bytes[0] as number;
  return { enabled: (bits & 1) !== 0, len: (bits >> 1) & 0x1f, rsv: bits >> 6, data: bytes.slice(1) };
}

/** Encodes an expectation in 32 bytes. Pads `data` with zeros to 31 bytes. */
export function encodeExpectation(value: LivepatchExpectation): Uint8Array {
  assert(value.data.length < LIVEPATCH_EXPECTATION_SIZE, `an expectation takes 31 bytes, got ${value.data.length}`);
  const bytes = new Uint8Array(LIVEPATCH_EXPECTATION_SIZE);
  bytes[0] = (value.enabled ? 1 : 0) | ((value.len & 0x1f) << 1) | ((value.rsv & 3) << 6);
  bytes.set(value.data, 1);
  return bytes;
}

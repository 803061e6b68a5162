import type { Address } from '../base/index.ts';

/**
 * Memory seen from a fixed address, so that code which follows self-relative fields computes with plain numbers. Offsets
 * may be negative and may leave the mapping: then the access faults as it would on the host.
 */
export interface RelativeMemory {
  readonly base: Address;
  /** A copy of, or a window on, `length` bytes; not to be written to. */
  read(offset: number, length: number): Uint8Array;
  /** Reads `length` bytes to the start of `to`: what {@link read} does, for those who do it thousands of times. */
  copy(offset: number, length: number, to: Uint8Array): void;
  readI32(offset: number): number;
  write(offset: number, bytes: Uint8Array): void;
}

import type { Address } from '../base/index.ts';

/**
 * Memory at offsets from a base address, so that code which follows self-relative fields computes with plain numbers. Offsets
 * may be negative. An access outside the mapping faults as on the host.
 */
export interface RelativeMemory {
  readonly base: Address;
  /** Returns `length` bytes, possibly a view of the memory: callers must not write to them. */
  read(offset: number, length: number): Uint8Array;
  /** Copies `length` bytes to the start of `to`. Avoids an allocation for callers that read thousands of times. */
  copy(offset: number, length: number, to: Uint8Array): void;
  readI32(offset: number): number;
  write(offset: number, bytes: Uint8Array): void;
}

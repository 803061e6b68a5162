import type { PointerFormatRules } from './release.ts';

/** Machine access that a format needs. */
export interface PrintkMemory {
  /** Reads `length` bytes at `address`. Throws if it cannot; callers pass the exception on. */
  read(address: bigint, length: number): Uint8Array;
  /** Writes for `%n`. Throws like `read`. */
  write(address: bigint, bytes: Uint8Array): void;
  /** Returns the text of `%pS`, or of `%ps` without `withOffset` (see `symbolText`); `undefined` if no symbol covers the address. */
  symbolText(address: bigint, withOffset: boolean): string | undefined;
}

/** Offsets in bytes of the members that `%pd` and `%pv` read. See `guestLayout` in `cpu-info.ts`. */
export interface DomainLayout {
  /** `domain_id` in struct domain, 16 bits wide. */
  readonly domainId: number;
  /** `vcpu_id` in struct vcpu, 32 bits wide. */
  readonly vcpuId: number;
  /** `domain` in struct vcpu, a pointer. */
  readonly vcpuDomain: number;
}

/** The machine whose printk this is. */
export interface PrintkMachine {
  readonly pointerSize: 4 | 8;
  readonly rules: PointerFormatRules;
  readonly layout: DomainLayout;
  readonly memory: PrintkMemory;
}

import type { PointerFormatRules } from './release.ts';

/** What a format needs of the machine. */
export interface PrintkMemory {
  /** `length` bytes at `address`. Throws where they cannot be read; what it throws passes through. */
  read(address: bigint, length: number): Uint8Array;
  /** Writes for `%n`. Throws as `read` does. */
  write(address: bigint, bytes: Uint8Array): void;
  /** The text of `%pS`, or of `%ps` where `withOffset` is false (see `symbolText`); `undefined` where no symbol is. */
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

/** The machine that formats. */
export interface PrintkMachine {
  readonly pointerSize: 4 | 8;
  readonly rules: PointerFormatRules;
  readonly layout: DomainLayout;
  readonly memory: PrintkMemory;
}

import type { Architecture } from '../arch/index.ts';

/** A field of code that a relocation fills in. */
export interface CodeField {
  /** Bytes from the start of the piece. */
  readonly at: number;
  readonly type: number;
  /** Added to the addend. */
  readonly addend: number;
}

/** Machine code, and the relocations to its target. */
export interface CodePiece {
  readonly bytes: readonly number[];
  readonly fields: readonly CodeField[];
}

/** Facts about a machine that the payload builder needs. */
export interface PayloadMachine {
  /** `e_flags`. */
  readonly flags: number;
  /** `r_type` of the relocation of a pointer. */
  readonly pointer: number;
  /** Padding between functions. */
  readonly padding: readonly number[];
  /** A function that returns an address. */
  readonly returns: CodePiece;
  /** A jump. */
  readonly jump: CodePiece;
  /** The trap of a bug frame, and its replacement if the release's `bugTrap` is `udb`; `null` if there is only one trap. */
  readonly udb: { readonly was: readonly number[]; readonly becomes: readonly number[] } | null;
}

const words = (...all: readonly number[]): number[] =>
  all.flatMap((word) => [word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24]);

/** Relocation numbers: System V ABI, AMD64 supplement, table 4.9; IHI 0056, 5.7; IHI 0044, 4.6. */
export const PAYLOAD_MACHINES: Readonly<Record<Architecture['name'], PayloadMachine>> = {
  x86_64: {
    flags: 0,
    pointer: 1,
    padding: [0x90],
    // lea text(%rip), %rax; ret
    returns: { bytes: [0x48, 0x8d, 0x05, 0, 0, 0, 0, 0xc3], fields: [{ at: 3, type: 2, addend: -4 }] },
    // jmp target
    jump: { bytes: [0xe9, 0, 0, 0, 0], fields: [{ at: 1, type: 4, addend: -4 }] },
    // ud2; udb, nop. 1f3dd605ea (4.22).
    udb: { was: [0x0f, 0x0b], becomes: [0xd6, 0x90] },
  },
  arm64: {
    flags: 0,
    pointer: 257,
    padding: words(0xd503_201f),
    // adrp x0, text; add x0, x0, #:lo12:text; ret
    returns: {
      bytes: words(0x9000_0000, 0x9100_0000, 0xd65f_03c0),
      fields: [
        { at: 0, type: 275, addend: 0 },
        { at: 4, type: 277, addend: 0 },
      ],
    },
    // b target
    jump: { bytes: words(0x1400_0000), fields: [{ at: 0, type: 282, addend: 0 }] },
    udb: null,
  },
  arm32: {
    // EF_ARM_EABI_VER5
    flags: 0x0500_0000,
    pointer: 2,
    padding: words(0xe1a0_0000),
    // ldr r0, 1f; bx lr; 1: .word text. Not movw and movt: the hypervisor ignores their addends.
    returns: { bytes: words(0xe59f_0000, 0xe12f_ff1e, 0), fields: [{ at: 8, type: 2, addend: 0 }] },
    // ldr pc, 1f; 1: .word target. Not b: the hypervisor misses half of its targets.
    jump: { bytes: words(0xe51f_f004, 0), fields: [{ at: 4, type: 2, addend: 0 }] },
    udb: null,
  },
};

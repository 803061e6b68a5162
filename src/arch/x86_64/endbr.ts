import type { Release } from '../../xen/index.ts';

/** ENDBR64, the required first instruction of indirect call targets on a CET-IBT host. Intel SDM volume 2, ENDBR64. */
export const ENDBR64: readonly number[] = [0xf3, 0x0f, 0x1e, 0xfa];

/**
 * `nopw (%rcx)`: since 4.17, Xen writes it over an ENDBR64 that is not needed.
 * Source: xen/arch/x86/include/asm/endbr.h, commits 89a24719b6 and 37ed5da851.
 */
export const ENDBR64_POISON: readonly number[] = [0x66, 0x0f, 0x1f, 0x01];

export const ENDBR64_LEN = 4;

const starts = (bytes: Uint8Array, with_: readonly number[]): boolean => with_.every((byte, i) => bytes[i] === byte);

export const isEndbr64 = (bytes: Uint8Array): boolean => starts(bytes, ENDBR64);

export const isEndbr64Poison = (bytes: Uint8Array): boolean => starts(bytes, ENDBR64_POISON);

/** Tells whether a function starts with what the release treats as an ENDBR64. */
export const isLandingPad = (start: Uint8Array, { endbr }: Release): boolean =>
  endbr !== 'ignored' && (isEndbr64(start) || (endbr === 'endbr64-or-poison' && isEndbr64Poison(start)));

import { type Address, addOffset, record } from '../base/index.ts';

/** Entries of `.altinstructions` and `.alt_call_sites`. Sources: asm/alternative.h of x86 and Arm. */

/** x86 since 4.11 (4faa8fdd87): 14 bytes, packed. Each offset is relative to its own field. */
export const ALT_INSTR = record('alt_instr', {
  orig_offset: 'i32',
  repl_offset: 'i32',
  /** Feature number: word n / 32, bit n % 32 of the featureset. See `altFeature`. */
  cpuid: 'u16',
  orig_len: 'u8',
  repl_len: 'u8',
  /** NOPs that the assembler added after the original. */
  pad_len: 'u8',
  /** Xen's own field; 0 in the file. */
  priv: 'u8',
});

/** x86 up to 4.10: 12 bytes. Payloads for it fail the section size check, unless the size is a multiple of 84. */
export const ALT_INSTR_4_10 = record('alt_instr', {
  instr_offset: 'i32',
  repl_offset: 'i32',
  cpuid: 'u16',
  instrlen: 'u8',
  replacementlen: 'u8',
});

/** arm64 and arm32, every release: 12 bytes. `repl_len` was called `alt_len` before 418cf59c4e (4.17.4, 4.18). */
export const ALT_INSTR_ARM = record('alt_instr', {
  orig_offset: 'i32',
  /** For callbacks (`cpufeature` is ARM_CB_PATCH): the callback's address. */
  repl_offset: 'i32',
  cpufeature: 'u16',
  orig_len: 'u8',
  repl_len: 'u8',
});

/** x86 since 4.21 (ac02ee9c82): one entry per indirect call. */
export const ALT_CALL = record('alt_call', { offset: 'i32' });

/** Length of an `alt_call`'s indirect call: `ff 15 disp32`. */
export const ALT_CALL_LEN = 6;

/** Inverts the meaning of the feature, in releases with `AlternativeRules.inverted` (328ed39c59). */
export const ALT_FLAG_NOT = 0x8000;

/** Longest original with its padding, in bytes (MAX_PATCH_LEN). Source: x86/alternative.c. */
export const ALT_BUFFER_SIZE = 254;

/** X86_FEATURE_ALWAYS is X86_FEATURE_LM, which every x86-64 processor has: word 2, bit 29. */
export const X86_FEATURE_ALWAYS = 93;

/** Splits `cpuid` into feature and polarity, for releases with ALT_FLAG_NOT. Older ones use all 16 bits as the feature. */
export function altFeature(cpuid: number, inverted: boolean): { readonly feature: number; readonly not: boolean } {
  if (!inverted) return { feature: cpuid, not: false };
  return { feature: cpuid & ~ALT_FLAG_NOT, not: (cpuid & ALT_FLAG_NOT) !== 0 };
}

/** Returns the addresses that an entry at `entry` refers to: the original instructions and their replacement. */
export function altTargets(
  entry: Address,
  value: { readonly orig_offset: number; readonly repl_offset: number },
): { readonly orig: Address; readonly repl: Address } {
  return {
    orig: addOffset(entry, ALT_INSTR.at.orig_offset + value.orig_offset),
    repl: addOffset(entry, ALT_INSTR.at.repl_offset + value.repl_offset),
  };
}

/** Returns the address of the call for the `alt_call` at `entry`. */
export const altCallSite = (entry: Address, offset: number): Address => addOffset(entry, offset);

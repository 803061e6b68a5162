/**
 * The two NOP families that Xen chooses from at boot (arch_init_ideal_nops).
 * Source: xen/arch/x86/alternative.c and xen/include/asm-x86/nops.h; unchanged since 4.11.
 */
export const NOP_FAMILIES = ['P6', 'K8'] as const;

export type NopFamily = (typeof NOP_FAMILIES)[number];

const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.split(' '), (byte) => Number.parseInt(byte, 16));

/** Single NOPs by length - 1. */
const SINGLE: Record<NopFamily, readonly Uint8Array[]> = {
  P6: [
    '90',
    '66 90',
    '0f 1f 00',
    '0f 1f 40 00',
    '0f 1f 44 00 00',
    '66 0f 1f 44 00 00',
    '0f 1f 80 00 00 00 00',
    '0f 1f 84 00 00 00 00 00',
    '66 0f 1f 84 00 00 00 00 00',
  ].map(bytes),
  K8: [
    '90',
    '66 90',
    '66 66 90',
    '66 66 66 90',
    '66 66 90 66 90',
    '66 66 90 66 66 90',
    '66 66 66 90 66 66 90',
    '66 66 66 90 66 66 66 90',
    '66 66 90 66 66 90 66 66 90',
  ].map(bytes),
};

/** ASM_NOP_MAX: the longest single NOP, in bytes. */
export const NOP_MAX = 9;

/** add_nops(): returns `length` bytes of NOPs, longest first. */
export function addNops(family: NopFamily, length: number): Uint8Array {
  const nops = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const chunk = Math.min(length - at, NOP_MAX);
    nops.set(SINGLE[family][chunk - 1] as Uint8Array, at);
    at += chunk;
  }
  return nops;
}

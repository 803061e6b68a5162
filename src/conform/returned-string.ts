import type { Architecture } from '../arch/index.ts';
import { type Address, addOffset, viewOf } from '../base/index.ts';

/** Where a few instructions lead. */
export type Leads =
  /** They are a jump. */
  | { readonly jump: Address }
  /** They return what is at an address. */
  | { readonly returns: Address }
  /** They return what a word of memory points at. */
  | { readonly returnsAt: Address };

/** Bytes that are looked at. */
export const STRING_CODE = 12;

/** What the code at an address does, in `STRING_CODE` bytes of it; `null` where it is none of these. */
export type ReadStringCode = (bytes: Uint8Array, at: Address) => Leads | null;

/** Sign-extends the low bits. */
const signed = (value: number, bits: number): number => (value << (32 - bits)) >> (32 - bits);

const wordsOf = (bytes: Uint8Array): readonly [number, number, number] => {
  const view = viewOf(bytes);
  return [view.getUint32(0, true), view.getUint32(4, true), view.getUint32(8, true)];
};

const ENDBR64 = 0xf30f_1efa;

/** `jmp rel32`, and `lea string(%rip), %rax; ret`, behind an ENDBR64 or not. Source: AMD64 APM volume 3. */
const x86: ReadStringCode = (bytes, at) => {
  const view = viewOf(bytes);
  const skip = view.getUint32(0, false) === ENDBR64 ? 4 : 0;
  if (bytes[skip] === 0xe9 && skip + 5 <= bytes.length) {
    return { jump: addOffset(at, skip + 5 + view.getInt32(skip + 1, true)) };
  }
  if (bytes[skip] !== 0x48 || bytes[skip + 1] !== 0x8d || bytes[skip + 2] !== 0x05) return null;
  return skip + 8 > bytes.length ? null : { returns: addOffset(at, skip + 7 + view.getInt32(skip + 3, true)) };
};

const ARM64_RET = 0xd65f_03c0;
const PAGE_MASK = 0xfffn;

/** `B`, and `ADRP X0; ADD X0, X0, #imm; RET`. Source: Arm Architecture Reference Manual, C6.2. */
const arm64: ReadStringCode = (bytes, at) => {
  const [first, second, third] = wordsOf(bytes);
  if (first >>> 26 === 0x05) return { jump: addOffset(at, signed(first & 0x3ff_ffff, 26) * 4) };
  if ((first & 0x9f00_001f) >>> 0 !== 0x9000_0000 || third !== ARM64_RET) return null;
  if ((second & 0xffc0_03ff) >>> 0 !== 0x9100_0000) return null;
  const pages = (signed((first >>> 5) & 0x7_ffff, 19) << 2) | ((first >>> 29) & 3);
  const page = at - (at & PAGE_MASK) + BigInt(pages) * (PAGE_MASK + 1n);
  return { returns: addOffset(page, (second >>> 10) & 0xfff) };
};

const ARM32_BX_LR = 0xe12f_ff1e;
/** `LDR R0, [PC, #0]` and `LDR PC, [PC, #-4]`: of the words eight and four bytes on. */
const ARM32_LDR_R0 = 0xe59f_0000;

const immediate16 = (insn: number): number => ((insn >>> 4) & 0xf000) | (insn & 0xfff);

/** `B`; `MOVW R0; MOVT R0; BX LR`, and `LDR R0, word; BX LR`. Source: the same, F5.1. */
const arm32: ReadStringCode = (bytes, at) => {
  const [first, second, third] = wordsOf(bytes);
  if (first >>> 24 === 0xea) return { jump: addOffset(at, 8 + signed(first & 0xff_ffff, 24) * 4) };
  if (first === ARM32_LDR_R0 && second === ARM32_BX_LR) return { returnsAt: addOffset(at, 8) };
  const [movw, movt] = [(first & 0xfff0_f000) >>> 0, (second & 0xfff0_f000) >>> 0];
  if (movw !== 0xe300_0000 || movt !== 0xe340_0000 || third !== ARM32_BX_LR) return null;
  return { returns: (BigInt(immediate16(second)) << 16n) | BigInt(immediate16(first)) };
};

/** How each architecture's compiler has a function return a string, and its patches jump. */
export const STRING_CODE_READERS: Readonly<Record<Architecture['name'], ReadStringCode>> = {
  x86_64: x86,
  arm64,
  arm32,
};

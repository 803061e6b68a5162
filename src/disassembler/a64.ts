import type { Access } from '../arch/index.ts';
import {
  type ArmAccess,
  armFlow,
  armLabel,
  armOperands,
  bit,
  bits,
  type Encoding,
  type Facts,
  NO_ACCESS,
  readOrWrite,
  run,
} from './arm.ts';
import type { Dialect } from './dialect.ts';

const IMM26 = [run(0, 26)];
const IMM19 = [run(5, 19)];
const IMM16 = [run(5, 16)];
const IMM14 = [run(5, 14)];
const IMM12 = [run(10, 12)];
const IMM9 = [run(12, 9)];
const IMM7 = [run(15, 7)];
/** Of ADR and ADRP: `immlo`, `immhi`. */
const ADR = [run(29, 2), run(5, 19)];
const IMMR = [run(16, 6)];
const IMMS = [run(10, 6)];
const NZCV = [run(0, 4)];
const CRM = [run(8, 4)];

/** Loads and stores of one register: `size`, `opc`, and V for vector registers. */
function single(word: number): ArmAccess {
  const [size, opc] = [bits(word, 30, 2), bits(word, 22, 2)];
  if (bit(word, 26)) return readOrWrite(bit(opc, 0), opc >= 2 ? 16 : 1 << size);
  // PRFM.
  if (size === 3 && opc === 2) return NO_ACCESS;
  return readOrWrite(opc !== 0, 1 << size);
}

function pair(word: number): ArmAccess {
  const opc = bits(word, 30, 2);
  const each = bit(word, 26) ? 4 << opc : opc === 2 ? 8 : 4;
  return readOrWrite(bit(word, 22), 2 * each);
}

function literal(word: number): ArmAccess {
  const opc = bits(word, 30, 2);
  if (bit(word, 26)) return readOrWrite(true, 4 << opc);
  return opc === 3 ? NO_ACCESS : readOrWrite(true, opc === 1 ? 8 : 4);
}

/** Exclusives, acquire and release, CAS and CASP: `size`, and o2, L, o1 in bits 23 to 21. */
function exclusive(word: number): ArmAccess {
  const size = bits(word, 30, 2);
  const [o2, load, o1] = [bit(word, 23), bit(word, 22), bit(word, 21)];
  const both: Access = 'read-write';
  if (o2 && o1) return { access: both, width: 1 << size };
  if (!o2 && o1 && size < 2) return { access: both, width: 8 << size };
  return readOrWrite(load, o1 ? 2 << size : 1 << size);
}

/** LSE atomics; with o3 and opc 4 it is LDAPR, which only reads. */
const atomic = (word: number): ArmAccess =>
  bits(word, 12, 4) === 0xc
    ? readOrWrite(true, 1 << bits(word, 30, 2))
    : { access: 'read-write', width: 1 << bits(word, 30, 2) };

/** Registers that LD1 to LD4 (multiple structures) move, by `opcode`. */
const STRUCTURES: Readonly<Record<number, number>> = { 0: 4, 2: 4, 4: 3, 6: 3, 7: 1, 8: 2, 10: 2 };

const structures = (word: number): ArmAccess =>
  readOrWrite(bit(word, 22), (STRUCTURES[bits(word, 12, 4)] ?? 0) * (bit(word, 30) ? 16 : 8));

const branch = (facts: Facts): Facts => ({ flow: 'jump', relative: 'target', ...facts });
const access = (memory: Facts['memory'], field?: Facts['displacement']): Facts => ({
  ...(memory !== undefined && { memory }),
  ...(field !== undefined && { displacement: field, immediates: [field] }),
});

/** Source: ARM DDI 0487, C4.1. */
const ENCODINGS: readonly Encoding[] = [
  [0xffff_ffff, 0xd503_201f, { flow: 'nop' }],
  // B, BL; CBZ, CBNZ; TBZ, TBNZ; B.cond
  [0xfc00_0000, 0x1400_0000, branch({ immediates: [IMM26] })],
  [0xfc00_0000, 0x9400_0000, branch({ flow: 'call', immediates: [IMM26] })],
  [0x7e00_0000, 0x3400_0000, branch({ conditional: true, immediates: [IMM19] })],
  [0x7e00_0000, 0x3600_0000, branch({ conditional: true, immediates: [[run(19, 5), run(31, 1)], IMM14] })],
  [0xff00_0000, 0x5400_0000, branch({ conditional: true, immediates: [IMM19] })],
  // BR, BLR, RET and ERET, with and without authentication
  [0xfee0_0000, 0xd600_0000, { flow: 'indirect-jump' }],
  [0xfee0_0000, 0xd620_0000, { flow: 'indirect-call' }],
  [0xfee0_0000, 0xd640_0000, { flow: 'return' }],
  [0xfee0_0000, 0xd680_0000, { flow: 'return' }],
  // BRK; HLT, which halts for a debugger; SVC, HVC, SMC; UDF
  [0xffe0_001f, 0xd420_0000, { flow: 'trap', immediates: [IMM16] }],
  [0xffe0_001f, 0xd440_0000, { flow: 'breakpoint', immediates: [IMM16] }],
  [0xff00_0000, 0xd400_0000, { immediates: [IMM16] }],
  [0xffff_0000, 0x0000_0000, { flow: 'trap', immediates: [[run(0, 16)]] }],
  // HINT; MSR of a PSTATE field, CLREX and barriers; SYS, SYSL
  [0xffff_f01f, 0xd503_201f, { immediates: [[run(5, 7)]] }],
  [0xfff8_f01f, 0xd500_401f, { immediates: [CRM] }],
  [0xffff_f01f, 0xd503_301f, { immediates: [CRM] }],
  [0xffd8_0000, 0xd508_0000, { immediates: [[run(16, 3)], [run(5, 3)]] }],
  // ADR, ADRP; ADD, SUB; AND and the like; MOVN, MOVZ, MOVK; BFM, SBFM, UBFM; EXTR
  [0x1f00_0000, 0x1000_0000, { relative: 'address', immediates: [ADR] }],
  [0x1f80_0000, 0x1100_0000, { immediates: [IMM12] }],
  [0x1f80_0000, 0x1200_0000, { immediates: [[run(10, 6), run(16, 6), run(22, 1)]] }],
  [0x1f80_0000, 0x1280_0000, { immediates: [IMM16] }],
  [0x1f80_0000, 0x1300_0000, { immediates: [IMMR, IMMS] }],
  [0x1f80_0000, 0x1380_0000, { immediates: [IMMS] }],
  // CCMP, CCMN with an immediate, and of registers
  [0x1fe0_0c10, 0x1a40_0800, { immediates: [[run(16, 5)], NZCV] }],
  [0x1fe0_0c10, 0x1a40_0000, { immediates: [NZCV] }],
  // FMOV
  [0xff20_1fe0, 0x1e20_1000, { immediates: [[run(13, 8)]] }],
  // Loads and stores: literal; exclusive; pair; with 12 bits, 9 bits, a register; atomic; LDAPUR and STLUR; LD1 to ST4
  [0x3b00_0000, 0x1800_0000, { relative: 'literal', memory: literal, immediates: [IMM19] }],
  [0x3f00_0000, 0x0800_0000, access(exclusive)],
  [0x3a00_0000, 0x2800_0000, access(pair, IMM7)],
  [0x3b00_0000, 0x3900_0000, access(single, IMM12)],
  [0x3b20_0000, 0x3800_0000, access(single, IMM9)],
  [0x3b20_0c00, 0x3820_0800, access(single)],
  [0x3b20_0c00, 0x3820_0000, access(atomic)],
  [0x3f20_0c00, 0x1900_0000, access(single, IMM9)],
  [0xbf20_0000, 0x0c00_0000, access(structures)],
];

/** arm64. */
export const A64: Dialect = {
  arch: 1,
  mode: 0,
  syntax: undefined,
  step: 4,
  // `cs_arm64` and `cs_arm64_op`. Source: arm64.h, version 5.
  layout: {
    count: 7,
    operands: 8,
    stride: 56,
    type: 20,
    value: 32,
    wideImmediate: true,
    access: 48,
    size: null,
    segment: null,
    base: 0,
    index: 4,
    displacement: 8,
    wideDisplacement: false,
    scale: null,
    shift: { type: 8, left: 1, value: 12 },
  },
  missing: [],
  operandText: (text) => text,
  flow: (bytes) => armFlow(bytes, ENCODINGS, () => false),
  operands: (decoded) => armOperands(decoded, ENCODINGS, 0, (value) => value),
  label: armLabel,
};

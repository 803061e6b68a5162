import type { ImmediateOperand } from '../arch/index.ts';
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

const IMM24 = [run(0, 24)];
const IMM12 = [run(0, 12)];
const IMM8 = [run(0, 8)];
/** Of MOVW and MOVT: `imm12`, `imm4`. */
const MOVE = [run(0, 12), run(16, 4)];
/** Of loads and stores of half words and pairs: `imm4L`, `imm4H`. */
const SPLIT8 = [run(0, 4), run(8, 4)];
/** Of UDF, BKPT, HVC: `imm4`, `imm12`. */
const SPLIT16 = [run(0, 4), run(8, 12)];
const SHIFT = [run(7, 5)];

const word = (instruction: number): ArmAccess => readOrWrite(bit(instruction, 20), bit(instruction, 22) ? 1 : 4);

/** LDRD and STRD, LDRSB, LDRSH, LDRH and STRH. */
function extra(instruction: number): ArmAccess {
  const load = bit(instruction, 20);
  const op = bits(instruction, 5, 2);
  if (op === 1) return readOrWrite(load, 2);
  if (load) return readOrWrite(true, op === 2 ? 1 : 2);
  return readOrWrite(op === 2, 8);
}

const EXCLUSIVE_BYTES = [4, 8, 1, 2] as const;

const access = (memory: (word: number) => ArmAccess, field?: Facts['displacement']): Facts => ({
  memory,
  ...(field !== undefined && { displacement: field, immediates: [field] }),
});

/** MOV of a shifted register has the mnemonic of the shift. LSR and ASR by 32 have 0; LSL by 0 shifts nothing, and ROR by 0 is RRX. */
function shift(instruction: number): ImmediateOperand | undefined {
  const by = bits(instruction, 7, 5);
  const [LSR, ASR] = [1, 2];
  const type = bits(instruction, 5, 2);
  if (by === 0 && type !== LSR && type !== ASR) return undefined;
  return { kind: 'immediate', value: BigInt(by === 0 ? 32 : by), field: SHIFT };
}

/** Is the condition another one than "always", and no instruction of its own? */
const conditional = (instruction: number): boolean => instruction >>> 28 < 0xe;

/** Source: ARM DDI 0406C, A5. Where two rows match, the narrower one comes first. */
const ENCODINGS: readonly Encoding[] = [
  // NOP, and what stood for it: mov r0, r0
  [0x0fff_ffff, 0x0320_f000, { flow: 'nop' }],
  [0x0fff_ffff, 0x01a0_0000, { flow: 'nop' }],
  // Without a condition: BLX; RFE; PLD; CPS; barriers and the rest
  [0xfe00_0000, 0xfa00_0000, { flow: 'call', relative: 'target', immediates: [[run(24, 1), run(0, 24)]] }],
  [0xfe50_0000, 0xf810_0000, { flow: 'return' }],
  [0xff30_f000, 0xf510_f000, access(() => NO_ACCESS, IMM12)],
  [0xfff1_0020, 0xf100_0000, { immediates: [[run(0, 5)]] }],
  [0xf000_0000, 0xf000_0000, {}],
  // B, BL; BX, where LR is where a function was called from; BXJ, BLX
  [0x0f00_0000, 0x0a00_0000, { flow: 'jump', relative: 'target', immediates: [IMM24] }],
  [0x0f00_0000, 0x0b00_0000, { flow: 'call', relative: 'target', immediates: [IMM24] }],
  [0x0fff_ffff, 0x012f_ff1e, { flow: 'return' }],
  [0x0fff_fff0, 0x012f_ff10, { flow: 'indirect-jump' }],
  [0x0fff_fff0, 0x012f_ff20, { flow: 'indirect-jump' }],
  [0x0fff_fff0, 0x012f_ff30, { flow: 'indirect-call' }],
  // UDF; BKPT; HVC; SMC; ERET; SVC
  [0x0ff0_00f0, 0x07f0_00f0, { flow: 'trap', immediates: [SPLIT16] }],
  [0x0ff0_00f0, 0x0120_0070, { flow: 'breakpoint', immediates: [SPLIT16] }],
  [0x0ff0_00f0, 0x0140_0070, { immediates: [SPLIT16] }],
  [0x0ff0_00f0, 0x0160_0070, { immediates: [[run(0, 4)]] }],
  [0x0fff_ffff, 0x0160_006e, { flow: 'return' }],
  [0x0f00_0000, 0x0f00_0000, { immediates: [IMM24] }],
  // LDM with PC: POP {…, pc}. LDR of PC, from the stack and elsewhere
  [0x0e10_8000, 0x0810_8000, { flow: 'return' }],
  [0x0fff_f000, 0x049d_f000, { flow: 'return', ...access(word, IMM12) }],
  [0x0e10_f000, 0x0410_f000, { flow: 'indirect-jump', ...access(word, IMM12) }],
  [0x0e10_f010, 0x0610_f000, { flow: 'indirect-jump', ...access(word) }],
  // Media: SSAT, USAT of words and of halves; SBFX, UBFX; BFC, BFI
  [0x0fa0_0030, 0x06a0_0010, { immediates: [[run(16, 5)]] }],
  [0x0fb0_00f0, 0x06a0_0030, { immediates: [[run(16, 4)]] }],
  [0x0fa0_0070, 0x07a0_0050, { immediates: [SHIFT, [run(16, 5)]] }],
  [0x0fe0_0070, 0x07c0_0010, { immediates: [SHIFT, [run(16, 5)]] }],
  [0x0e00_0010, 0x0600_0010, {}],
  // SWP; LDREX and STREX, LDA and STL; multiplications; loads and stores of halves and pairs
  [0x0fb0_0ff0, 0x0100_0090, access((instruction) => ({ access: 'read-write', width: bit(instruction, 22) ? 1 : 4 }))],
  [
    0x0f80_00f0,
    0x0180_0090,
    access((instruction) => readOrWrite(bit(instruction, 20), EXCLUSIVE_BYTES[bits(instruction, 21, 2)] ?? 0)),
  ],
  [0x0f00_00f0, 0x0000_0090, {}],
  [0x0e40_0090, 0x0040_0090, access(extra, SPLIT8)],
  [0x0e40_0090, 0x0000_0090, access(extra)],
  // MOVW, MOVT; hints; MSR with an immediate; ADR; the rest of data processing with one
  [0x0fb0_0000, 0x0300_0000, { immediates: [MOVE] }],
  [0x0fff_f000, 0x0320_f000, { immediates: [IMM8] }],
  [0x0fb0_f000, 0x0320_f000, { immediates: [IMM12] }],
  [0x0fff_0000, 0x028f_0000, { relative: 'address', immediates: [IMM12] }],
  [0x0fff_0000, 0x024f_0000, { relative: 'address', immediates: [IMM12] }],
  [0x0e00_f000, 0x0200_f000, { flow: 'indirect-jump', immediates: [IMM12] }],
  [0x0e00_0000, 0x0200_0000, { immediates: [IMM12] }],
  // MRS, MSR and other instructions among the comparisons without S; MOV to PC from LR; data processing of registers
  [0x0f90_0000, 0x0100_0000, {}],
  [0x0fef_ffff, 0x01a0_f00e, { flow: 'return' }],
  [0x0f90_0000, 0x0110_0000, { immediates: [SHIFT] }],
  [0x0fe0_0010, 0x01a0_0000, { shift }],
  [0x0e00_f000, 0x0000_f000, { flow: 'indirect-jump', immediates: [SHIFT] }],
  [0x0e00_0000, 0x0000_0000, { immediates: [SHIFT] }],
  // LDR, STR
  [0x0e00_0000, 0x0400_0000, access(word, IMM12)],
  [0x0e00_0000, 0x0600_0000, access(word)],
  // Coprocessors: VLDR and VSTR; LDC and STC; MCRR and MRRC; CDP; MCR and MRC
  [
    0x0f20_0e00,
    0x0d00_0a00,
    access((instruction) => readOrWrite(bit(instruction, 20), bit(instruction, 8) ? 8 : 4), IMM8),
  ],
  [0x0fe0_0000, 0x0c40_0000, { immediates: [[run(4, 4)]] }],
  [0x0e00_0000, 0x0c00_0000, { displacement: IMM8, immediates: [IMM8] }],
  [0x0f00_0010, 0x0e00_0000, { immediates: [[run(20, 4)], [run(5, 3)]] }],
  [0x0f00_0010, 0x0e00_0010, { immediates: [[run(21, 3)], [run(5, 3)]] }],
];

/** Capstone has where a branch leads; of ADR, which adds to or subtracts from PC, the constant. */
function leadsTo(value: number, place: number, instruction: number): number {
  if (bits(instruction, 25, 3) !== ADR) return value;
  return place + PIPELINE + (bits(instruction, 21, 4) === SUBTRACTS ? -value : value);
}

/** What PC-relative operands count from, in bytes from the instruction. */
const PIPELINE = 8;
/** Bits 25 to 27 of data processing with an immediate; the opcode of SUB. Source: ARM DDI 0406C, A5.2. */
const ADR = 1;
const SUBTRACTS = 2;

/** arm32: A32 instructions. */
export const A32: Dialect = {
  arch: 0,
  mode: 0,
  syntax: undefined,
  step: 4,
  // `cs_arm` and `cs_arm_op`. Source: arm.h, version 5.
  layout: {
    count: 32,
    operands: 40,
    stride: 48,
    type: 12,
    value: 16,
    wideImmediate: false,
    access: 41,
    size: null,
    segment: null,
    base: 0,
    index: 4,
    displacement: 12,
    wideDisplacement: false,
    scale: 8,
    shift: { type: 4, left: 2, value: 8 },
  },
  missing: [],
  operandText: (text) => text,
  flow: (bytes) => armFlow(bytes, ENCODINGS, conditional),
  operands: (decoded) => armOperands(decoded, ENCODINGS, PIPELINE, leadsTo),
  label: armLabel,
};

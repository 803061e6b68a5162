import type { ForeignForm } from '../code-forms.ts';
import type { DecodedInstruction } from '../instruction.ts';

/** Second opcode bytes, after 0f, of the xmm instructions that compilers use for moves and arithmetic. Source: Intel SDM volume 2, appendix A. */
const VECTOR = new Set([
  0x10, 0x11, 0x12, 0x13, 0x14, 0x16, 0x17, 0x28, 0x29, 0x2a, 0x2c, 0x2d, 0x2e, 0x2f, 0x51, 0x54, 0x55, 0x56, 0x57,
  0x58, 0x59, 0x5c, 0x5e, 0x62, 0x6c, 0x6e, 0x6f, 0x70, 0x7e, 0x7f, 0xc6, 0xd6, 0xe7, 0xef,
]);

/** Tells whether an instruction is the barrier of smp_mb(), `lock add` or `lock or` of 0, which leaves memory unchanged. Source: Intel SDM volume 2, ADD and OR. */
function isBarrier({ operands }: DecodedInstruction, bytes: Uint8Array): boolean {
  if (bytes[0] !== LOCK) return false;
  const at = ((bytes[1] ?? 0) & 0xf0) === REX ? 2 : 1;
  const zero = operands.some((operand) => operand.kind === 'immediate' && operand.value === 0n);
  return zero && [0x80, 0x81, 0x83].includes(bytes[at] ?? 0) && [0, 1].includes(((bytes[at + 1] ?? 0) >> 3) & 7);
}

const LOCK = 0xf0;
const REX = 0x40;

/** First bytes of VEX and EVEX instructions; the few vector instructions of Xen itself use these. Source: Intel SDM volume 2, 2.3.5 and 2.7. */
const VEX = new Set([0xc4, 0xc5, 0x62]);

/** Instructions that Xen's compiler flags rule out. Source: xen/arch/x86/arch.mk. */
export const FOREIGN: readonly ForeignForm[] = [
  {
    flag: '-mno-red-zone',
    harm: 'an interrupt overwrites the data below the stack pointer',
    // disp8(%rsp) with a negative displacement: mod 1 and rm 4, a SIB byte without index, the sign.
    *mayBeAt(code) {
      for (let at = code.indexOf(0x24); at >= 0; at = code.indexOf(0x24, at + 1)) {
        if (((code[at - 1] ?? 0) & 0xc7) === 0x44 && (code[at + 1] ?? 0) >= 0x80) yield at;
      }
    },
    is: (instruction, bytes) =>
      !isBarrier(instruction, bytes) &&
      instruction.operands.some(
        (operand) =>
          operand.kind === 'memory' && operand.base === 'rsp' && operand.displacement < 0n && operand.access !== 'none',
      ),
  },
  {
    flag: '-mno-sse -mno-mmx',
    harm: "it clobbers the guest's vector registers, which Xen does not save for its own code",
    *mayBeAt(code) {
      for (let at = code.indexOf(0x0f); at >= 0; at = code.indexOf(0x0f, at + 1)) {
        if (VECTOR.has(code[at + 1] ?? 0)) yield at;
      }
    },
    is: ({ operands }, bytes) =>
      !VEX.has(bytes[0] ?? 0) &&
      operands.some((operand) => operand.kind === 'register' && operand.name.startsWith('xmm')),
  },
];

import type { Field, MemoryOperand, Operand } from '../arch/index.ts';
import type { DetailLayout, RawMemory, RawOperand } from './detail.ts';
import type { Decoded, Dialect, FlowFacts } from './dialect.ts';
import { accessOf, flowOf, isConditional, type Opcode, opcodeOf, widthOf } from './x86-opcode.ts';

const SYNTAX_ATT = 2;

/** `cs_x86` and `cs_x86_op`. Source: x86.h, version 5. */
const LAYOUT: DetailLayout = {
  count: 64,
  operands: 72,
  stride: 48,
  type: 0,
  value: 8,
  wideImmediate: true,
  access: 33,
  size: 32,
  segment: 0,
  base: 4,
  index: 8,
  displacement: 16,
  wideDisplacement: true,
  scale: 12,
  shift: null,
};

/** `cs_x86_encoding`: where ModRM, displacement and immediate are, and their sizes in bytes; 0 for what is not there. Source: x86.h, version 5. */
const ENCODING = {
  modrm: 456,
  displacement: 457,
  displacementSize: 458,
  immediate: 459,
  immediateSize: 460,
} as const;

/**
 * A whole decimal number as an immediate, a displacement or a jump target. Not the digits of a register or of a hex
 * number, and not a scale (`(%rax, %rbx, 4)`) or an x87 register's index (`%st(1)`), which `)` follows.
 */
const DECIMAL = /(^|[$*:,-] ?)(\d+)(?=$|[,(])/g;

/**
 * Capstone's AT&T printer has numbers below 10 in decimal, and negative immediates as decimal numbers of 64 bits; objdump
 * has hex throughout.
 */
const attOperands = (text: string): string =>
  text.replace(DECIMAL, (_all, before: string, digits: string) => `${before}0x${BigInt(digits).toString(16)}`);

const bytesField = (at: number, size: number): Field | null => (size === 0 ? null : [{ at: 8 * at, bits: 8 * size }]);

/**
 * The displacement that ModRM at byte `at` asks for: Capstone has two bytes for those of four behind an operand-size prefix. Source: Intel SDM
 * volume 2, tables 2-2 and 2-3.
 */
function modrmDisplacement(bytes: Uint8Array, at: number): Field | null {
  const [modrm = 0, sib = 0] = bytes.subarray(at);
  const [mod, rm] = [modrm >> 6, modrm & 7];
  const behind = at + (rm === 4 ? 2 : 1);
  if (mod === 3) return null;
  if (mod === 1) return bytesField(behind, 1);
  return mod === 2 || rm === 5 || (rm === 4 && (sib & 7) === 5) ? bytesField(behind, 4) : null;
}

/** ENTER, the one instruction with two immediates: a word and a byte. */
const ENTER = 0xc8;

function flow(bytes: Uint8Array): FlowFacts {
  const opcode = opcodeOf(bytes);
  return { flow: flowOf(opcode), conditional: isConditional(opcode) };
}

function operands({ bytes, place, raw, module, detail }: Decoded): Operand[] {
  const opcode = opcodeOf(bytes);
  const byte = (at: number): number => module.getValue(detail + at, 'i8') & 0xff;
  const immediate = bytesField(byte(ENCODING.immediate), byte(ENCODING.immediateSize));
  const modrm = byte(ENCODING.modrm);
  const displacement =
    modrm > 0
      ? modrmDisplacement(bytes, modrm)
      : bytesField(byte(ENCODING.displacement), byte(ENCODING.displacementSize));
  const end = place + bytes.length;
  const leads = flowOf(opcode);
  const direct = (leads === 'jump' || leads === 'call') && raw.length === 1;
  return completed(opcode, raw).map((operand, i): Operand => {
    if (operand.type === 'memory') return memoryOperand(operand, displacement, opcode, end, bytes.length);
    if (operand.type === 'register') return { kind: 'register', name: operand.name, access: operand.access };
    if (operand.type === 'other') return { kind: 'other' };
    if (direct && immediate !== null) {
      return {
        kind: 'target',
        place: Number(BigInt.asIntN(64, operand.value)),
        countsFrom: bytes.length,
        field: immediate,
      };
    }
    const field = opcode?.map === 0 && opcode.byte === ENTER ? bytesField(bytes.length - 3 + 2 * i, 2 - i) : immediate;
    return { kind: 'immediate', value: operand.value, field };
  });
}

/** Shifts by CL, of whose operands Capstone leaves that out, or has 1 for it. Source: Intel SDM volume 2, SAL/SAR/SHL/SHR and RCL/RCR/ROL/ROR. */
function completed({ map, byte }: Opcode, raw: readonly RawOperand[]): readonly RawOperand[] {
  const shifted = raw.findLast(({ type }) => type !== 'immediate');
  if (map !== 0 || (byte !== 0xd2 && byte !== 0xd3) || shifted === undefined) return raw;
  return [{ type: 'register', name: 'cl', access: 'read' }, shifted];
}

function memoryOperand(
  { segment, base, index, scale, displacement, size }: RawMemory,
  field: Field | null,
  opcode: Opcode,
  end: number,
  length: number,
): MemoryOperand {
  const access = accessOf(opcode, base);
  const relative = base === 'rip' || base === 'eip';
  return {
    kind: 'memory',
    segment,
    base: relative ? null : base,
    index,
    scale,
    displacement,
    relative: relative ? { place: end + Number(displacement), countsFrom: length } : null,
    field,
    access,
    width: access === 'none' ? 0 : widthOf(opcode, size),
  };
}

/** `%gs:label(%rax, %rbx, 4)`, `*label(%rip)`, `$label`, or a label alone where a branch leads. */
function label(text: string, operand: Operand, name: string): string {
  if (operand.kind === 'immediate') return `$${name}`;
  if (operand.kind !== 'memory') return name;
  const open = text.indexOf('(');
  const head = `${text.startsWith('*') ? '*' : ''}${operand.segment === null ? '' : `%${operand.segment}:`}`;
  return head + name + (open < 0 ? '' : text.slice(open));
}

/** x86-64, in AT&T syntax. */
export const X86: Dialect = {
  arch: 3,
  mode: 8,
  syntax: SYNTAX_ATT,
  step: 1,
  layout: LAYOUT,
  // SERIALIZE. Source: Intel SDM volume 2, 4.3.
  missing: [{ bytes: [0x0f, 0x01, 0xe8], mnemonic: 'serialize' }],
  operandText: attOperands,
  flow,
  operands,
  label,
};

import type { FieldPart, RelocationRow } from './relocation.ts';

/**
 * An instruction's effect on control flow. `nop` and `breakpoint` also pad the gaps between functions; a `trap` always faults (UD2, BRK,
 * UDF); `return` includes returns from exceptions.
 */
export type Flow =
  | 'next'
  | 'nop'
  | 'breakpoint'
  | 'jump'
  | 'indirect-jump'
  | 'call'
  | 'indirect-call'
  | 'return'
  | 'trap'
  | 'halt';

/** How an instruction uses an operand. `none` for a memory operand: it only computes the address (LEA, ADR, prefetches). */
export type Access = 'none' | 'read' | 'write' | 'read-write';

/**
 * The bits of the instruction that encode an operand's value, lowest first, counted from the lowest bit of the first byte in little-endian
 * order. On x86, one run of whole bytes.
 */
export type Field = readonly FieldPart[];

export interface RegisterOperand {
  readonly kind: 'register';
  /** The assembler's name, without `%`. */
  readonly name: string;
  readonly access: Access;
}

export interface ImmediateOperand {
  readonly kind: 'immediate';
  /** The value that the processor uses, sign-extended to 64 bits, before a separately encoded shift. */
  readonly value: bigint;
  /** `null` if the opcode implies the value. */
  readonly field: Field | null;
}

/** The target of a direct branch. */
export interface TargetOperand {
  readonly kind: 'target';
  /** In bytes, from the same zero as the `origin` of {@link Disassembler.disassemble}; may be negative. */
  readonly place: number;
  /** The base of the field's offset, in bytes from the start of the instruction. */
  readonly countsFrom: number;
  readonly field: Field;
}

export interface MemoryOperand {
  readonly kind: 'memory';
  readonly segment: string | null;
  /** `null` if there is none, or if {@link MemoryOperand.relative} describes the operand. */
  readonly base: string | null;
  readonly index: string | null;
  /** Factor of the index. */
  readonly scale: number;
  readonly displacement: bigint;
  /** Target and base of a PC-relative operand, as in {@link TargetOperand}; `null` for any other. */
  readonly relative: { readonly place: number; readonly countsFrom: number } | null;
  /** The displacement's bits; `null` if it is not encoded. */
  readonly field: Field | null;
  readonly access: Access;
  /** Size of the access in bytes; 0 if there is none, or if the processor's state decides (XSAVE). */
  readonly width: number;
}

/** A system register, barrier or cache operation; only the text names it. */
export interface OtherOperand {
  readonly kind: 'other';
}

export type Operand = RegisterOperand | ImmediateOperand | TargetOperand | MemoryOperand | OtherOperand;

/** Bytes that do not decode as an instruction. */
export interface BadBytes {
  readonly kind: 'bad';
  /** In bytes from the start of the code. */
  readonly offset: number;
  readonly size: number;
}

/** One decoded instruction. Decodes its details on first use. */
export interface DecodedInstruction {
  readonly kind: 'instruction';
  /** In bytes from the start of the code. */
  readonly offset: number;
  readonly size: number;
  /** Identifies the operation: on one architecture, the same number means the same mnemonic, apart from Arm's conditions. */
  readonly operation: number;
  readonly flow: Flow;
  /** Whether a branch, return or trap may also fall through to the next instruction. */
  readonly conditional: boolean;
  /** The explicit operands in the order of the text. Implicit memory accesses (PUSH, CALL, LDM) are not included. */
  readonly operands: readonly Operand[];
  /** Mnemonic and operands, for display only: AT&T syntax on x86, as in Xen's own sources. */
  readonly text: string;
  /** Returns the text with labels in place of the values of these operands. */
  textWith(labels: ReadonlyMap<Operand, string>): string;
}

export type Instruction = DecodedInstruction | BadBytes;

/** Returns the text of an instruction; `(bad)`, as in objdump, for bytes that do not decode. */
export const instructionText = (instruction: Instruction): string =>
  instruction.kind === 'bad' ? '(bad)' : instruction.text;

const ENDS_FLOW: ReadonlySet<Flow> = new Set(['jump', 'indirect-jump', 'return', 'trap', 'halt']);

/** Tells whether control never falls through to the next instruction. */
export const endsFlow = (instruction: Instruction): boolean =>
  instruction.kind === 'instruction' && !instruction.conditional && ENDS_FLOW.has(instruction.flow);

/** Tells whether an instruction pads the gap between functions. */
export const isPadding = (instruction: Instruction): boolean =>
  instruction.kind === 'instruction' && (instruction.flow === 'nop' || instruction.flow === 'breakpoint');

/** Returns the target of a direct branch; `undefined` for any other instruction. */
export function branchTarget(instruction: Instruction): TargetOperand | undefined {
  // Check the flow first: it does not need the operands decoded.
  if (instruction.kind === 'bad' || (instruction.flow !== 'jump' && instruction.flow !== 'call')) return undefined;
  return instruction.operands.find((operand) => operand.kind === 'target');
}

export const writes = (access: Access): boolean => access === 'write' || access === 'read-write';

/** Returns the names of the registers that an instruction writes as operands, in the order of the text. */
export const writtenRegisters = (instruction: Instruction): string[] =>
  instruction.kind === 'bad'
    ? []
    : instruction.operands.flatMap((each) => (each.kind === 'register' && writes(each.access) ? [each.name] : []));

/** An operand whose value is encoded in a field. */
export type FieldOperand = (ImmediateOperand | TargetOperand | MemoryOperand) & { readonly field: Field };

/**
 * Returns the operand whose field a relocation at byte `at` of an instruction fills exactly; `undefined` if it matches no field.
 */
export function filledOperand(instruction: Instruction, at: number, row: RelocationRow): FieldOperand | undefined {
  if (instruction.kind === 'bad') return undefined;
  const filled = (row.field?.parts ?? [{ at: 0, bits: 8 * row.width }]).map((part) => ({
    ...part,
    at: 8 * at + part.at,
  }));
  return instruction.operands.find(
    (operand): operand is FieldOperand =>
      'field' in operand && operand.field !== null && sameField(operand.field, filled),
  );
}

const sameField = (a: Field, b: Field): boolean =>
  a.length === b.length && a.every(({ at, bits }, i) => at === b[i]?.at && bits === b[i]?.bits);

/** Returns the bytes of an instruction with the bits of a field cleared. */
export function withoutField(bytes: Uint8Array, field: Field): Uint8Array {
  const cleared = bytes.slice();
  for (const { at, bits } of field) {
    for (let bit = at; bit < at + bits; bit++) {
      cleared[bit >> 3] = (cleared[bit >> 3] as number) & ~(1 << (bit & 7));
    }
  }
  return cleared;
}

/**
 * Returns the immediate of an instruction that only stores one in a register or in memory; `undefined` for any other instruction, or if
 * the opcode implies the value.
 */
export function constantMoved(instruction: Instruction): (ImmediateOperand & { readonly field: Field }) | undefined {
  if (instruction.kind === 'bad' || instruction.flow !== 'next' || instruction.operands.length !== 2) return undefined;
  const immediate = instruction.operands.find(({ kind }) => kind === 'immediate') as ImmediateOperand | undefined;
  const stored = instruction.operands.some(
    (operand) => (operand.kind === 'register' || operand.kind === 'memory') && operand.access === 'write',
  );
  return stored && immediate?.field ? { ...immediate, field: immediate.field } : undefined;
}

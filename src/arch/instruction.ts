import type { FieldPart, RelocationRow } from './relocation.ts';

/**
 * What an instruction does to control flow. `nop` and `breakpoint` are also what stands between functions; `trap` is an instruction that
 * always faults (UD2, BRK, UDF); `return` includes returns from exceptions.
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

/** What an instruction does with an operand. Of a memory operand, `none` says that only its address is computed (LEA, ADR, prefetches). */
export type Access = 'none' | 'read' | 'write' | 'read-write';

/**
 * Where an operand's value is encoded: bits of the instruction, the value's lowest first, counted from the lowest bit of the first byte in
 * little-endian order. On x86 it is one run of whole bytes.
 */
export type Field = readonly FieldPart[];

export interface RegisterOperand {
  readonly kind: 'register';
  /** As the assembler writes it, without `%`. */
  readonly name: string;
  readonly access: Access;
}

export interface ImmediateOperand {
  readonly kind: 'immediate';
  /** The value as the processor uses it, sign-extended to 64 bits. A shift that is encoded beside it is not applied. */
  readonly value: bigint;
  /** `null` where the opcode implies the value. */
  readonly field: Field | null;
}

/** The place that a direct branch leads to. */
export interface TargetOperand {
  readonly kind: 'target';
  /** Bytes, counted as the `origin` of {@link Disassembler.disassemble} is; negative in front of it. */
  readonly place: number;
  /** What the field counts from, in bytes from the start of the instruction. */
  readonly countsFrom: number;
  readonly field: Field;
}

export interface MemoryOperand {
  readonly kind: 'memory';
  readonly segment: string | null;
  /** `null` where there is none, and where {@link MemoryOperand.relative} says what the operand counts from. */
  readonly base: string | null;
  readonly index: string | null;
  /** What the index is multiplied by. */
  readonly scale: number;
  /** What is added to base and index. */
  readonly displacement: bigint;
  /** A PC-relative operand: where it leads and what it counts from, as in {@link TargetOperand}; `null` for any other. */
  readonly relative: { readonly place: number; readonly countsFrom: number } | null;
  /** Where the displacement is encoded; `null` where none is. */
  readonly field: Field | null;
  readonly access: Access;
  /** Bytes that are accessed; 0 where none are, and where the processor's state decides (XSAVE). */
  readonly width: number;
}

/** A system register, a barrier or a cache operation, which only the text names. */
export interface OtherOperand {
  readonly kind: 'other';
}

export type Operand = RegisterOperand | ImmediateOperand | TargetOperand | MemoryOperand | OtherOperand;

/** Bytes that are no instruction. */
export interface BadBytes {
  readonly kind: 'bad';
  /** Bytes from the start of the code that was given. */
  readonly offset: number;
  readonly size: number;
}

/** One decoded instruction. What it is made of is decoded when first asked for. */
export interface DecodedInstruction {
  readonly kind: 'instruction';
  /** Bytes from the start of the code that was given. */
  readonly offset: number;
  readonly size: number;
  /** Which instruction it is: instructions of one architecture with the same number have the same mnemonic, conditions of Arm aside. */
  readonly operation: number;
  readonly flow: Flow;
  /** May a branch, return or trap also go on to the next instruction? */
  readonly conditional: boolean;
  /**
   * The explicit operands in the order of the text. Memory that an instruction uses without an operand for it (PUSH, CALL, LDM) is not among
   * them.
   */
  readonly operands: readonly Operand[];
  /** Mnemonic and operands, for people only: AT&T syntax on x86, as in Xen's own sources. */
  readonly text: string;
  /** Returns the text with labels in place of the values of operands with fields. */
  textWith(labels: ReadonlyMap<Operand, string>): string;
}

export type Instruction = DecodedInstruction | BadBytes;

/** Returns the text of an instruction; `(bad)`, as objdump has it, for bytes that are none. */
export const instructionText = (instruction: Instruction): string =>
  instruction.kind === 'bad' ? '(bad)' : instruction.text;

const ENDS_FLOW: ReadonlySet<Flow> = new Set(['jump', 'indirect-jump', 'return', 'trap', 'halt']);

/** Tells whether control never goes on to the next instruction. */
export const endsFlow = (instruction: Instruction): boolean =>
  instruction.kind === 'instruction' && !instruction.conditional && ENDS_FLOW.has(instruction.flow);

/** Tells whether an instruction is one that fills the space between functions. */
export const isPadding = (instruction: Instruction): boolean =>
  instruction.kind === 'instruction' && (instruction.flow === 'nop' || instruction.flow === 'breakpoint');

/** Returns where a direct branch leads; `undefined` for any other instruction. */
export function branchTarget(instruction: Instruction): TargetOperand | undefined {
  // The flow is known without the operands.
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
 * Returns the operand whose field a relocation at byte `at` of an instruction fills; `undefined` where it changes something else. It has to fill
 * exactly that field.
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
 * Returns the immediate of an instruction that only stores one in a register or in memory; `undefined` for any other instruction, and where
 * the value has no field of its own.
 */
export function constantMoved(instruction: Instruction): (ImmediateOperand & { readonly field: Field }) | undefined {
  if (instruction.kind === 'bad' || instruction.flow !== 'next' || instruction.operands.length !== 2) return undefined;
  const immediate = instruction.operands.find(({ kind }) => kind === 'immediate') as ImmediateOperand | undefined;
  const stored = instruction.operands.some(
    (operand) => (operand.kind === 'register' || operand.kind === 'memory') && operand.access === 'write',
  );
  return stored && immediate?.field ? { ...immediate, field: immediate.field } : undefined;
}

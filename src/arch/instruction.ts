import type { RelocationRow } from './relocation.ts';

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

/** Neighbouring bits of an instruction, counted from the lowest bit of its first byte in little-endian order. */
export interface BitRun {
  readonly start: number;
  readonly bits: number;
}

/** Where an operand's value is encoded: runs of bits, the least significant first. On x86 it is one run of whole bytes. */
export type Field = readonly BitRun[];

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
export const branchTarget = (instruction: Instruction): TargetOperand | undefined =>
  instruction.kind === 'bad' ? undefined : instruction.operands.find((operand) => operand.kind === 'target');

export const writes = (access: Access): boolean => access === 'write' || access === 'read-write';

/** An operand whose value is encoded in a field. */
export type FieldOperand = (ImmediateOperand | TargetOperand | MemoryOperand) & { readonly field: Field };

/**
 * Returns the operand whose field a relocation at byte `at` of an instruction fills; `undefined` where it changes something else. One that
 * stores whole bytes has to store exactly the field's. Of an Arm instruction it is the widest field: the others, shifts and the number of a
 * bit, have no relocations. Source: ARM IHI 0056, 5.7.
 */
export function filledOperand(instruction: Instruction, at: number, row: RelocationRow): FieldOperand | undefined {
  if (instruction.kind === 'bad' || row.width === 0) return undefined;
  let found: FieldOperand | undefined;
  for (const operand of instruction.operands) {
    if (!('field' in operand) || operand.field === null) continue;
    const [{ start }] = operand.field as [BitRun];
    const stored = start === 8 * at && fieldBits(operand.field) === 8 * row.width;
    if (row.place === undefined ? !stored : at !== 0) continue;
    if (found === undefined || fieldBits(operand.field) > fieldBits(found.field)) found = operand as FieldOperand;
  }
  return found;
}

const fieldBits = (field: Field): number => field.reduce((sum, { bits }) => sum + bits, 0);

/** Returns the bytes of an instruction with the bits of a field cleared. */
export function withoutField(bytes: Uint8Array, field: Field): Uint8Array {
  const cleared = bytes.slice();
  for (const { start, bits } of field) {
    for (let bit = start; bit < start + bits; bit++) {
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

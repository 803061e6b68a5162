import type { Address } from '../base/index.ts';
import type { DecodedInstruction } from './instruction.ts';

/** Bytes that decode as a direct jump or call. */
export interface CodeBranch {
  /** Bytes from the start of the code. */
  readonly at: number;
  /** Size of the instruction, in bytes. */
  readonly size: number;
  /** Bytes from the start of the code. */
  readonly target: number;
}

/** A range of code, in bytes from its start. */
export interface CodeRange {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/** Instructions that must not occur in the hypervisor, and the compiler flag that avoids them. */
export interface ForeignForm {
  readonly flag: string;
  /** The consequence, as a main clause for a message. */
  readonly harm: string;
  /** Returns offsets of bytes that may belong to such an instruction, in order; {@link ForeignForm.is} confirms them. */
  mayBeAt(code: Uint8Array): Iterable<number>;
  /** Tells whether the instruction is one of them. `bytes` are its bytes. */
  is(instruction: DecodedInstruction, bytes: Uint8Array): boolean;
}

/**
 * What checkers of machine code ask an architecture: forms of instructions as far as their bytes tell them. Nothing here decodes from a
 * function's start on; what is found may be the inside of another instruction, which only a disassembler can tell.
 */
export interface CodeForms {
  /** What the target of an indirect call has to start with where the host tracks these; `null` where nothing does. */
  readonly landingPad: Uint8Array | null;
  /** Longest single NOP that Xen writes, in bytes. In a run of NOPs, an instruction is sure to start only at its multiples. */
  readonly longestNop: number;
  /** Returns everything that decodes as a direct branch into one of the ranges, in order, whatever byte it starts at. */
  branchesTo(code: Uint8Array, targets: readonly CodeRange[]): CodeBranch[];
  /**
   * Returns the places that operands of this code may refer to, in bytes from its start: PC-relative operands, and addresses that several
   * instructions compute. `at` is the code's address. Includes false positives, because it does not decode in sequence; they rarely hit a given place.
   */
  operands(code: Uint8Array, at: Address): Iterable<number>;
  /**
   * Tells whether an instruction with a PC-relative memory operand in the field at `at` may write to it. Judges by the bytes before the field:
   * the caller confirms `true` with the decoded operands.
   */
  mayWriteAt(code: Uint8Array, at: number): boolean;
  /** Tells whether the PC-relative field at `at` belongs to an instruction that only loads the address. */
  takesAddressAt(code: Uint8Array, at: number): boolean;
  /** Instructions that never occur in the hypervisor's own code. */
  readonly foreign: readonly ForeignForm[];
}

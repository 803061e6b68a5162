import type { Address } from '../base/index.ts';
import type { DecodedInstruction } from './instruction.ts';

/** A place that reads as a direct jump or call. */
export interface CodeBranch {
  /** Bytes from the start of the code. */
  readonly at: number;
  /** Bytes of the instruction. */
  readonly size: number;
  /** Bytes from the start of the code. */
  readonly target: number;
}

/** Bytes of code, counted from its start. */
export interface CodeRange {
  readonly start: number;
  /** The first byte behind. */
  readonly end: number;
}

/** What code must not do in a hypervisor, and the compiler's flag that keeps it from doing it. */
export interface ForeignForm {
  readonly flag: string;
  /** What comes of it, as the end of a sentence. */
  readonly harm: string;
  /** Offsets of bytes that may belong to such an instruction, in order: to be confirmed by {@link ForeignForm.is}. */
  mayBeAt(code: Uint8Array): Iterable<number>;
  /** Tells whether an instruction, whose bytes are `bytes`, is one. */
  is(instruction: DecodedInstruction, bytes: Uint8Array): boolean;
}

/**
 * What checkers of machine code ask an architecture: forms of instructions as far as their bytes tell them. Nothing here decodes from a
 * function's start on; what is found may be the inside of another instruction, which only a disassembler can tell.
 */
export interface CodeForms {
  /** What the target of an indirect call has to start with where the host tracks these; `null` where nothing does. */
  readonly landingPad: Uint8Array | null;
  /** Longest single NOP that Xen writes, in bytes: in a run of NOPs only multiples of it are sure to be starts of instructions. */
  readonly longestNop: number;
  /** Every place that reads as a direct branch into one of the ranges, in order. */
  branchesTo(code: Uint8Array, targets: readonly CodeRange[]): CodeBranch[];
  /**
   * Places that operands of this code may lead to, in bytes from its start: relative ones, and addresses that are made of parts. `at`: where the code
   * is. More than it does refer to, as nothing is decoded from the start on; who looks for a place among them rarely finds it by chance.
   */
  operands(code: Uint8Array, at: Address): Iterable<number>;
  /**
   * May the instruction that has a relative memory operand in the field at `at` write there? Told by the bytes before the field: `true` is to be
   * confirmed by the instruction's operands.
   */
  mayWriteAt(code: Uint8Array, at: number): boolean;
  /** Is the relative field at `at` that of an instruction which loads an address, and uses no memory? */
  takesAddressAt(code: Uint8Array, at: number): boolean;
  /** What the hypervisor's own code never does. */
  readonly foreign: readonly ForeignForm[];
}

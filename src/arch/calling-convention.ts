import type { Address } from '../base/index.ts';
import type { ArgumentSource, ReadMemory } from '../xen/index.ts';
import type { CodeMemory } from './code-memory.ts';
import type { Cpu } from './cpu.ts';

/** How functions call each other: which registers hold what at a function's first instruction. Names are those of {@link Cpu}. */
export interface CallingConvention {
  readonly programCounter: string;
  readonly stackPointer: string;
  /** Processor flags, among them whether interrupts are on. */
  readonly flags: string;
  readonly result: string;
  /** Registers of the first arguments; more are on the stack. */
  readonly arguments: readonly string[];
  /** What a disassembler calls each of these and its lower parts. */
  readonly argumentNames: readonly (readonly string[])[];
  /** Every register that a call may change or has to find as it was: what has to be kept across a call out of turn. */
  readonly registers: readonly string[];
  /** Flags of a function that runs with interrupts on, or off. */
  flagsWith(interrupts: boolean): bigint;
  interruptsIn(flags: bigint): boolean;
  /** These flags, with interrupts on or off. */
  withInterrupts(flags: bigint, on: boolean): bigint;
  /** What local_irq_save() gives of them. */
  savedFlags(flags: bigint): bigint;
  /** Sets registers and stack as a caller leaves them. The stack pointer has to be in place. */
  enter(cpu: Cpu, memory: CodeMemory, entry: Address, args: readonly bigint[], returnTo: Address): void;
  /** Where the arguments lie that no register holds, at a function's first instruction. */
  stackArguments(cpu: Cpu): Address;
  /** What a `va_list` holds that is passed as an argument. */
  vaList(argument: bigint, read: ReadMemory): ArgumentSource;
  /** Returns from a function at its first instruction, with a result. Reads the stack: it may fault. */
  leave(cpu: Cpu, memory: CodeMemory, result: bigint): void;
}

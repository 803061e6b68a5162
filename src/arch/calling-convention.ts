import type { Address } from '../base/index.ts';
import type { ArgumentSource, ReadMemory } from '../xen/index.ts';
import type { CodeMemory } from './code-memory.ts';
import type { Cpu } from './cpu.ts';

/** How functions call each other: the registers at a function's first instruction, by the names of {@link Cpu}. */
export interface CallingConvention {
  readonly programCounter: string;
  readonly stackPointer: string;
  /** Processor flags, including the interrupt mask. */
  readonly flags: string;
  readonly result: string;
  /** Registers of the first arguments; the rest are on the stack. */
  readonly arguments: readonly string[];
  /** Names of each argument register and its lower parts in disassembly. */
  readonly argumentNames: readonly (readonly string[])[];
  /** Every register to save around a call that the calling code does not expect. */
  readonly registers: readonly string[];
  /** Returns the flags of a function that runs with interrupts on or off. */
  flagsWith(interrupts: boolean): bigint;
  interruptsIn(flags: bigint): boolean;
  /** Returns the flags with interrupts on or off. */
  withInterrupts(flags: bigint, on: boolean): bigint;
  /** Returns the flags that local_irq_save() saves. */
  savedFlags(flags: bigint): bigint;
  /** Sets registers and stack for a call of `entry`. The caller must have set the stack pointer. */
  enter(cpu: Cpu, memory: CodeMemory, entry: Address, args: readonly bigint[], returnTo: Address): void;
  /** Returns the address of the stack arguments, at a function's first instruction. */
  stackArguments(cpu: Cpu): Address;
  /** Reads a `va_list` that was passed as an argument. */
  vaList(argument: bigint, read: ReadMemory): ArgumentSource;
  /** Returns from a function at its first instruction, with a result. May fault, because it reads the stack. */
  leave(cpu: Cpu, memory: CodeMemory, result: bigint): void;
}

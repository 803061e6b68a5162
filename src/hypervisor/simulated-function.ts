import { type Address, addOffset } from '../base/index.ts';
import type { CodeRunner } from './code-port.ts';
import { type Hypervisor, readPointer } from './hypervisor.ts';

/** A call from running code to a simulated function. */
export interface SimulatedCall {
  readonly hv: Hypervisor;
  readonly runner: CodeRunner;
  /** The name under which it was called. */
  readonly name: string;
  /** The argument registers. */
  readonly registers: readonly bigint[];
  /** Address of the arguments on the stack. */
  readonly stackArguments: Address;
}

/** A function of the hypervisor that the simulator implements instead of running its code. */
export interface SimulatedFunction {
  /** Names in the hypervisor's symbol table; names that a release does not have are skipped. */
  readonly names: readonly string[];
  /** Why its own code cannot run. */
  readonly reason: string;
  /** Does the function's work and returns its result register. Faults where memory faults. */
  simulate(call: SimulatedCall): bigint;
}

/** Defines functions that are simulated for the same reason. Those that return nothing return 0 in the result register. */
export const simulatedBecause =
  (reason: string) =>
  (names: readonly string[], simulate: (call: SimulatedCall) => bigint | undefined): SimulatedFunction => ({
    names,
    reason,
    simulate: (call) => simulate(call) ?? 0n,
  });

/** Returns argument number `index`, counted from 0, with the width of a pointer. */
export function argument(call: SimulatedCall, index: number): bigint {
  const { registers, stackArguments, hv } = call;
  const register = registers[index];
  if (register !== undefined) return register;
  return readPointer(hv, addOffset(stackArguments, (index - registers.length) * hv.arch.elf.pointerSize));
}

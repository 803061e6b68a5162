import { type Address, addOffset, viewOf } from '../base/index.ts';
import type { CodeRunner } from './code-port.ts';
import type { Hypervisor } from './hypervisor.ts';

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

/** Returns argument number `index`, counted from 0, with the width of a pointer. */
export function argument(call: SimulatedCall, index: number): bigint {
  const { registers, stackArguments, hv } = call;
  const register = registers[index];
  if (register !== undefined) return register;
  const { pointerSize } = hv.arch.elf;
  const at = addOffset(stackArguments, (index - registers.length) * pointerSize);
  const view = viewOf(hv.machine.space.read(at, pointerSize));
  return pointerSize === 8 ? view.getBigUint64(0, true) : BigInt(view.getUint32(0, true));
}

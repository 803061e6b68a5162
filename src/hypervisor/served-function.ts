import { type Address, addOffset, viewOf } from '../base/index.ts';
import type { CodeRunner } from './code-port.ts';
import type { Hypervisor } from './hypervisor.ts';

/** A call that code makes of a function on our side. */
export interface ServedCall {
  readonly hv: Hypervisor;
  readonly runner: CodeRunner;
  /** Which of the function's names was called. */
  readonly name: string;
  /** What is in the registers of arguments. */
  readonly registers: readonly bigint[];
  /** Where the arguments are that no register holds. */
  readonly stackArguments: Address;
}

/** A function of the hypervisor that is not run here. */
export interface ServedFunction {
  /** As the hypervisor's symbol table has them; those that a release has not are passed over. */
  readonly names: readonly string[];
  /** Why its own code cannot run. */
  readonly reason: string;
  /** Does what it does, and gives the result register. Faults as the memory does. */
  serve(call: ServedCall): bigint;
}

/** Argument number `index`, counted from 0, of the width of a pointer. */
export function argument(call: ServedCall, index: number): bigint {
  const { registers, stackArguments, hv } = call;
  const register = registers[index];
  if (register !== undefined) return register;
  const { pointerSize } = hv.arch.elf;
  const at = addOffset(stackArguments, (index - registers.length) * pointerSize);
  const view = viewOf(hv.machine.space.read(at, pointerSize));
  return pointerSize === 8 ? view.getBigUint64(0, true) : BigInt(view.getUint32(0, true));
}

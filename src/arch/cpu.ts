import type { Address } from '../base/index.ts';

/** Why the processor stopped. The program counter is at the instruction that caused the exit, except for `budget`. */
export type CpuExit =
  /** It reached a stop address or {@link CpuLimits.until}. */
  | { readonly kind: 'stop'; readonly address: Address }
  /** Nothing is mapped there, or the permission is missing. `address` and `size`, in bytes, describe the whole access. */
  | {
      readonly kind: 'fault';
      readonly access: 'read' | 'write' | 'fetch';
      readonly address: Address;
      readonly size: number;
    }
  /** Any exception except a memory fault. `vector` is the architecture's number. */
  | { readonly kind: 'exception'; readonly vector: number }
  /** The instruction or time limit was reached. The program counter is at the next instruction. */
  | { readonly kind: 'budget'; readonly of: 'instructions' | 'time' };

/** Limits of one run. */
export interface CpuLimits {
  /** Stop before the instruction at this address. */
  readonly until: Address;
  /** Maximum number of instructions; each iteration of a repeated instruction counts. */
  readonly instructions: number;
}

/** Called before every instruction with its address and its size in bytes. */
export type CpuTrace = (address: Address, size: number) => void;

/**
 * A processor that runs machine code in the hypervisor's mode, on the memory it was made for and under that memory's permissions.
 * It knows nothing of Xen: the caller decides what a stop, a fault or an exception means.
 */
export interface Cpu {
  /** Returns a register by its name on a panic screen, in lower case: `rax`, `rip`, `rflags`. */
  get(register: string): bigint;
  set(register: string, value: bigint): void;
  /** Sets the real time that all runs together may take from now on. Without it, runs end at once. */
  allow(milliseconds: number): void;
  /** Runs from the program counter until an exit. A stop address at the program counter itself does not stop it. */
  run(limits: CpuLimits): CpuExit;
  /** Frees the engine. */
  close(): void;
}

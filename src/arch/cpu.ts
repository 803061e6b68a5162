import type { Address } from '../base/index.ts';

/** Why the processor came back. The program counter is at the instruction that the exit is about, unless said otherwise. */
export type CpuExit =
  /** It is about to carry out the instruction at a stop address, or has reached {@link CpuLimits.until}. */
  | { readonly kind: 'stop'; readonly address: Address }
  /** Nothing is mapped there, or not for this. `address` and `size`, in bytes, are those of the whole access. */
  | {
      readonly kind: 'fault';
      readonly access: 'read' | 'write' | 'fetch';
      readonly address: Address;
      readonly size: number;
    }
  /** An exception that is no matter of memory. `vector` is the architecture's number. */
  | { readonly kind: 'exception'; readonly vector: number }
  /** So many instructions were carried out, or so much time has passed. The program counter is at the next one. */
  | { readonly kind: 'budget'; readonly of: 'instructions' | 'time' };

/** What ends a run, whatever the code does. */
export interface CpuLimits {
  /** Stop in front of this address. */
  readonly until: Address;
  /** Most instructions that may be carried out; an iteration of a repeated instruction counts as one. */
  readonly instructions: number;
}

/** Told of every instruction that is about to be carried out: where it is, and how many bytes it has. */
export type CpuTrace = (address: Address, size: number) => void;

/**
 * A processor that carries out machine code in the memory that it was made for, under that memory's permissions, in the
 * hypervisor's mode. It knows nothing of Xen: whoever runs it decides what a stop, a fault or an exception means.
 */
export interface Cpu {
  /** A register by the name that a panic screen gives it, in lower case: `rax`, `rip`, `rflags`. */
  get(register: string): bigint;
  set(register: string, value: bigint): void;
  /** From now on all runs together may take so many milliseconds of real time. Without it they end at once. */
  allow(milliseconds: number): void;
  /** Runs from the program counter on, until something of {@link CpuExit} happens. A stop address that it starts at does not stop it. */
  run(limits: CpuLimits): CpuExit;
  /** Gives the engine back. */
  close(): void;
}

import type { Address } from '../base/index.ts';
import type { Release } from '../xen/index.ts';
import type { CodeMemory } from './architecture.ts';
import type { CallingConvention } from './calling-convention.ts';
import type { Cpu } from './cpu.ts';

/** What the hypervisor does about an exception that is no matter of memory. */
export type ExceptionHandling =
  /** It may be a bug frame's trap: WARN, BUG and so on. */
  | 'bug-frame'
  /** Something is said, and the code goes on behind the instruction. */
  | 'breakpoint'
  /** As if nothing had happened. */
  | 'ignored'
  | 'fatal';

/** One exception of an architecture. */
export interface ExceptionRow {
  /** As the hypervisor calls it: `#DE`. */
  readonly mnemonic: string;
  readonly handling: ExceptionHandling;
}

/** Where the registers are in memory while a trap is handled. */
export interface TrapFrameLayout {
  /** Bytes of the whole. */
  readonly size: number;
  /** Offsets in bytes, each of a value as wide as a pointer. */
  readonly registers: Readonly<Record<string, number>>;
  /** Bytes that the processor itself pushes for an exception, at a multiple of `alignment` below the stack pointer. */
  readonly pushed: number;
  readonly alignment: number;
}

/** Where the simulated host has what code needs besides the hypervisor's image. Not where anything else ever is. */
export interface ExecutionLayout {
  /** Start of the memory that code allocates. */
  readonly heap: Address;
  /** Start of the memory of CPU 0's stack; those of the others are below, one `stackDistance` each. A multiple of a stack's size. */
  readonly stacks: Address;
  readonly stackDistance: number;
  /** Start of what the hypervisor has allocated before: its domains, vCPUs, per-CPU areas. */
  readonly objects: Address;
  /** What an allocation of no bytes is given: not null, and not to be read. */
  readonly zeroBlock: Address;
  /** Where functions return to that the hypervisor's own code, which is not run, has called. Nothing is mapped there. */
  readonly returnTo: Address;
}

/** What has to be known of an architecture to carry out its hypervisor's code. */
export interface Execution {
  readonly calls: CallingConvention;
  /** Exceptions by number, but for faults of memory accesses. */
  readonly exceptions: ReadonlyMap<number, ExceptionRow>;
  /** Number of the exception of an access that no page table is asked about; `null` where there is none. */
  readonly generalProtection: number | null;
  /** `struct cpu_user_regs` as the trap handler leaves it on the stack. */
  readonly trapFrame: TrapFrameLayout;
  readonly layout: ExecutionLayout;
  /** The instruction of a bug frame. */
  bugTrap(release: Release): Uint8Array;
  /** Where the code of a function is entered: some callers leave out its first instruction. */
  entryPoints(address: Address, memory: CodeMemory): readonly Address[];
  /** Lets the processor's own bit say whether writes heed read-only pages; and what it says. */
  setWriteProtect(cpu: Cpu, on: boolean): void;
  writeProtect(cpu: Cpu): boolean;
  /** Would this indirect call be refused on a host that tracks them? `null`: it is let through. Else what the panic says. */
  refusesIndirectCall(entry: Address, memory: CodeMemory): string | null;
}

import type { Address } from '../base/index.ts';
import type { AddressRange, DomainLayout, ExecutionScreen, ExecutionState, Release } from '../xen/index.ts';
import type { CallingConvention } from './calling-convention.ts';
import type { CodeMemory } from './code-memory.ts';
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
  /** As the hypervisor calls it: `#DE`, `Undefined Instruction`. */
  readonly mnemonic: string;
  readonly handling: ExceptionHandling;
  /** What the panic calls it, with an error code, where its handler has words of its own; otherwise `fatalTrap` says it. */
  readonly panicText?: string;
  /** ESR_EL2, or HSR, where there is one. */
  readonly syndrome?: number;
}

/** How an exception that nobody handles ends, in the hypervisor's words. */
export interface FatalTrap {
  /** Lines above the registers. */
  readonly head: readonly string[];
  /** What panic() is given, without its newline. */
  readonly text: string;
}

/** What a processor is known to have in its system registers when code has trapped. */
export interface TrapFacts {
  /** Physical address of the root table. */
  readonly tables: bigint;
  /** The address of a fault, and whether it was one of a fetch. */
  readonly fault?: { readonly address: Address; readonly fetch: boolean };
  /** ESR_EL2, or HSR, where there is one. */
  readonly syndrome?: number;
}

/** What happens to a host whose processor faults while it pushes what it interrupts: it has a stack of its own for that. */
export interface DoubleFault {
  /** What is printed above the panic's box. `state` is what show_execution_state() would print. */
  screen(state: readonly string[], stackPointer: Address, stack: AddressRange): string[];
  /** What panic() is given, without its newline. */
  readonly text: string;
}

/** How code finds out on which CPU it runs, and for whom: what it takes to set that, of the host that it is set on. */
export interface CurrentHost {
  readonly release: Release;
  readonly debugBuild: boolean;
  /** The image's code. */
  text(): Uint8Array;
  /** 0 where there is no such symbol. */
  symbol(name: string): Address;
  write(address: Address, bytes: Uint8Array): void;
}

/** What code is to find. */
export interface CurrentCpu {
  readonly processorId: number;
  readonly vcpu: Address;
  /** What is added to the address of a per-CPU variable. */
  readonly perCpuOffset: bigint;
  /** End of the CPU's stack. */
  readonly stackEnd: Address;
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
  /** `null`: there is no guard, and what lies below is overwritten. */
  readonly doubleFault: DoubleFault | null;
}

/** What the trap handler makes of a payload's bug frames. */
export type BugFramesOfPayloads =
  /** The same as of the hypervisor's. */
  | 'handled'
  /** They are looked at, but a file name, or an assertion's condition, is looked for in the hypervisor alone. */
  | 'without-names'
  /** The trap instruction is none in a payload's code. */
  | 'not-looked-at';

/** Stacks of the hypervisor. */
export interface StackRules {
  /** Bytes, and alignment. */
  readonly size: number;
  /** May code use the page of a stack at this address? */
  usable(page: Address, release: Release, debugBuild: boolean): boolean;
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
  /**
   * What a debug build prints when an exception goes on at a fix-up of the exception table, at `from`, a place in words; `null` where there is no such
   * table.
   */
  readonly fixupText: ((mnemonic: string, from: string, to: Address) => string) | null;
  /** What panic() says of an exception that nobody handles. */
  fatalTrap(vector: number, facts: { readonly cpu: number; readonly interrupts: boolean }): FatalTrap;
  /**
   * Does what an instruction does that the processor here lacks: it has raised this exception. Returns false where it is none of those. The
   * program counter moves on behind it.
   */
  emulate(vector: number, cpu: Cpu, memory: CodeMemory): boolean;
  /** `struct cpu_user_regs` as the trap handler leaves it on the stack. */
  readonly trapFrame: TrapFrameLayout;
  readonly stacks: StackRules;
  /** Where the members of struct vcpu and struct domain are that code reads on its way from one to the other. */
  guestLayout(host: CurrentHost): DomainLayout;
  /** Sets what tells code of its CPU, and gives the highest address that the stack may begin at. */
  setCurrent(host: CurrentHost, cpu: Cpu, current: CurrentCpu): Address;
  /** Variables of the image that this sets. */
  readonly currentVariables: readonly string[];
  /** show_execution_state(). */
  showExecutionState(state: ExecutionState): ExecutionScreen;
  /** Registers that are not the code's, by their names on the screen, as far as they are known. */
  systemRegisters(facts: TrapFacts): Readonly<Record<string, bigint>>;
  /** What a line of a call trace has in front of a caller's name. */
  callerMark(release: Release, framePointer: boolean): string;
  readonly bugFramesOfPayloads: BugFramesOfPayloads;
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

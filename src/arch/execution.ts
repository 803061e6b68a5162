import type { Address } from '../base/index.ts';
import type { AddressRange, DomainLayout, ExecutionScreen, ExecutionState, Release } from '../xen/index.ts';
import type { CallingConvention } from './calling-convention.ts';
import type { CodeMemory } from './code-memory.ts';
import type { Cpu } from './cpu.ts';

/** How the hypervisor handles an exception other than a memory fault. */
export type ExceptionHandling =
  /** May be the trap of a bug frame: WARN, BUG and so on. */
  | 'bug-frame'
  /** Xen logs it and continues after the instruction. */
  | 'breakpoint'
  /** Xen continues silently. */
  | 'ignored'
  | 'fatal';

/** One exception of an architecture. */
export interface ExceptionRow {
  /** The hypervisor's name for it: `#DE`, `Undefined Instruction`. */
  readonly mnemonic: string;
  readonly handling: ExceptionHandling;
  /** Text of the panic, if the handler has its own, with an error code; otherwise `fatalTrap` gives the text. */
  readonly panicText?: string;
  /** ESR_EL2 or HSR, if the architecture has one. */
  readonly syndrome?: number;
}

/** What the hypervisor prints for an unhandled exception. */
export interface FatalTrap {
  /** Lines above the registers. */
  readonly head: readonly string[];
  /** The argument of panic(), without its newline. */
  readonly text: string;
}

/** The known system registers after code has trapped. */
export interface TrapFacts {
  /** Physical address of the root table. */
  readonly tables: bigint;
  /** The faulting address, and whether an instruction fetch faulted. */
  readonly fault?: { readonly address: Address; readonly fetch: boolean };
  /** ESR_EL2 or HSR, if the architecture has one. */
  readonly syndrome?: number;
}

/** A fault while the processor pushes an exception frame. Xen handles it on a stack of its own. */
export interface DoubleFault {
  /** Returns the lines above the panic's box. `state` is the output of show_execution_state(). */
  screen(state: readonly string[], stackPointer: Address, stack: AddressRange): string[];
  /** The argument of panic(), without its newline. */
  readonly text: string;
}

/** The host in which `setCurrent` sets the current CPU and vCPU. */
export interface CurrentHost {
  readonly release: Release;
  readonly debugBuild: boolean;
  /** The image's code. */
  text(): Uint8Array;
  /** Returns a symbol's address, 0 if there is none. */
  symbol(name: string): Address;
  write(address: Address, bytes: Uint8Array): void;
}

/** The CPU and vCPU that code finds itself running on. */
export interface CurrentCpu {
  readonly processorId: number;
  readonly vcpu: Address;
  /** Offset to add to the address of a per-CPU variable. */
  readonly perCpuOffset: bigint;
  /** End of the CPU's stack. */
  readonly stackEnd: Address;
}

/** Layout of the saved registers while Xen handles a trap. */
export interface TrapFrameLayout {
  /** In bytes. */
  readonly size: number;
  /** Offsets in bytes; each value is as wide as a pointer. */
  readonly registers: Readonly<Record<string, number>>;
  /** Bytes that an exception pushes below the stack pointer, which it first aligns to `alignment`. */
  readonly pushed: number;
  readonly alignment: number;
  /** `null` if the stack has no guard page: the exception overwrites whatever is below. */
  readonly doubleFault: DoubleFault | null;
}

/** How the trap handler treats a payload's bug frames. */
export type BugFramesOfPayloads =
  /** Like the hypervisor's own. */
  | 'handled'
  /** It finds them, but accepts file names and assertion conditions only from the hypervisor itself. */
  | 'without-names'
  /** It does not expect the trap instruction in a payload's code. */
  | 'not-looked-at';

/** Stacks of the hypervisor. */
export interface StackRules {
  /** Size and alignment, in bytes. */
  readonly size: number;
  /** Tells whether code may use this page of a stack. */
  usable(page: Address, release: Release, debugBuild: boolean): boolean;
}

/** Addresses that the simulated host uses for running code, outside everything else. */
export interface ExecutionLayout {
  /** Start of the memory that code allocates. */
  readonly heap: Address;
  /** Start of CPU 0's stack, a multiple of a stack's size. Those of the other CPUs are below it, `stackDistance` apart. */
  readonly stacks: Address;
  readonly stackDistance: number;
  /** Start of earlier allocations of the hypervisor: domains, vCPUs, per-CPU areas. */
  readonly objects: Address;
  /** Result of a zero-byte allocation: not NULL, and not mapped. */
  readonly zeroBlock: Address;
  /** Return address of functions that the simulator calls. Nothing is mapped there. */
  readonly returnTo: Address;
}

/** What the emulator needs to run an architecture's hypervisor code. */
export interface Execution {
  readonly calls: CallingConvention;
  /** Exceptions by number, except memory faults. */
  readonly exceptions: ReadonlyMap<number, ExceptionRow>;
  /** Number of the exception for a non-canonical access; `null` if the architecture has none. */
  readonly generalProtection: number | null;
  /** Returns the line of a debug build when the exception table resumes at a fix-up. `from` is a symbolic address. `null` without such a table. */
  readonly fixupText: ((mnemonic: string, from: string, to: Address) => string) | null;
  /** Returns what Xen prints for an unhandled exception. */
  fatalTrap(vector: number, facts: { readonly cpu: number; readonly interrupts: boolean }): FatalTrap;
  /**
   * Emulates an instruction that the engine lacks and that raised this exception, and moves the program counter past it. Returns false for any
   * other instruction.
   */
  emulate(vector: number, cpu: Cpu, memory: CodeMemory): boolean;
  /** `struct cpu_user_regs` as the trap handler leaves it on the stack. */
  readonly trapFrame: TrapFrameLayout;
  readonly stacks: StackRules;
  /** Returns the offsets of the members of struct vcpu and struct domain that link one to the other. */
  guestLayout(host: CurrentHost): DomainLayout;
  /** Sets the current CPU and vCPU. Returns the initial stack pointer. */
  setCurrent(host: CurrentHost, cpu: Cpu, current: CurrentCpu): Address;
  /** The image's variables that {@link setCurrent} sets. */
  readonly currentVariables: readonly string[];
  /** show_execution_state(). */
  showExecutionState(state: ExecutionState): ExecutionScreen;
  /** Returns the known system registers by their names on the screen. */
  systemRegisters(facts: TrapFacts): Readonly<Record<string, bigint>>;
  /** Returns the prefix of a caller's line in a call trace. */
  callerMark(release: Release, framePointer: boolean): string;
  readonly bugFramesOfPayloads: BugFramesOfPayloads;
  readonly layout: ExecutionLayout;
  /** Returns the trap instruction of a bug frame. */
  bugTrap(release: Release): Uint8Array;
  /** Returns the addresses at which callers enter a function; some skip its first instruction. */
  entryPoints(address: Address, memory: CodeMemory): readonly Address[];
  /** Sets whether the processor honours read-only pages (CR0.WP). */
  setWriteProtect(cpu: Cpu, on: boolean): void;
  writeProtect(cpu: Cpu): boolean;
  /** Returns the panic text of an indirect call that fails on a host with branch tracking; `null` if the call is allowed. */
  refusesIndirectCall(entry: Address, memory: CodeMemory): string | null;
}

import type { Cpu } from '../arch/index.ts';
import type { Address } from '../base/index.ts';
import type { AddressRange } from '../xen/index.ts';
import type { StateOffsets } from './function-state.ts';
import type { LoadedPayload } from './payload.ts';
import type { XenHeap } from './xen-heap.ts';

/** Where the hypervisor calls from, which decides what the called code sees. */
export interface RunContext {
  /** Number of the CPU. */
  readonly cpu: number;
  readonly interrupts: boolean;
  /** Whose vCPU is `current`: dom0's in a hypercall, otherwise the CPU's own idle vCPU. */
  readonly current: 'dom0' | 'idle';
}

/** Limits of one call, including everything it calls. */
export interface RunBudget {
  readonly instructions: number;
  /** Of real time. */
  readonly milliseconds: number;
}

/** Sees each instruction of a call before the processor executes it. */
export interface RunObserver {
  instruction(address: Address, size: number): void;
}

/**
 * Runs machine code of the hypervisor and of payloads. `code-runner.ts` implements it with a processor; a host without one has none.
 * `cpu`, `context` and `callNested` are for use while a call is in progress.
 */
export interface CodeRunner {
  /** Memory that running code allocates. */
  readonly heap: XenHeap;
  /** `struct payload` of loaded payloads, as running code sees them. */
  readonly payloads: SharedPayloads;
  /** Locks that running code holds, each with its recursion count. */
  readonly heldLocks: Map<Address, number>;
  /** The processor of the call in progress. */
  readonly cpu: Cpu;
  /** Where the call in progress was made. */
  readonly context: RunContext;
  /** Calls a function and returns its result register. Throws a HostStop if the host dies or the call exceeds its budget. */
  call(
    entry: Address,
    args: readonly bigint[],
    context: RunContext,
    limits?: { readonly budget?: RunBudget; readonly observer?: RunObserver },
  ): bigint;
  /** Calls a function from within the call in progress and preserves its registers. The stack is free below `below`. */
  callNested(entry: Address, args: readonly bigint[], below: Address): bigint;
  /** The part of a CPU's stack that its code may use. */
  stackOf(cpu: number): AddressRange;
  /** Memory that only running code uses: its heap and stacks. */
  ranges(): AddressRange[];
  /** Releases the engines. */
  close(): void;
}

/** Payloads as `struct payload` in the host's memory, shared with running code. `payload-structs.ts` implements it. */
export interface SharedPayloads {
  /** Returns the address of a payload's structure; writes the structures of all loaded payloads, since they form one list. */
  addressOf(payload: LoadedPayload): Address;
  /** Returns the payload whose structure is at `address`. */
  payloadAt(address: Address): LoadedPayload | undefined;
  /** Runs code that may change the structures, then reads the changes back. */
  lend<T>(run: () => T): T;
  /** Changes payloads while code uses their structures: reads changes back before and writes the structures after. */
  takeBack<T>(work: () => T): T;
  /** Frees the memory of an unloaded payload's structure and takes it off the lists. */
  forget(payload: LoadedPayload): void;
  /**
   * Locates the state of the function whose `struct livepatch_func` is at `func`. `fstate` gives the address of the
   * `struct livepatch_fstate` in releases that keep the state there.
   */
  stateLayout(
    func: Address,
    size: number,
    fstate: () => Address,
  ): { readonly address: Address; readonly stride: number; readonly offsets: StateOffsets };
}

import type { Cpu, CpuExit } from '../arch/index.ts';
import { type Address, addOffset, assert, ensure, equalBytes } from '../base/index.ts';
import { MemoryFault, type OpenCpu } from '../machine/index.ts';
import type { AddressRange } from '../xen/index.ts';
import type { CodeRunner, RunBudget, RunContext, RunObserver } from './code-port.ts';
import { type Hypervisor, within } from './hypervisor.ts';
import { HypervisorStacks } from './hypervisor-stacks.ts';
import { PayloadStructs } from './payload-structs.ts';
import type { SimulatedFunction } from './simulated-function.ts';
import { HostStop } from './stop.ts';
import { handleException, handleFault } from './traps.ts';
import { XenHeap } from './xen-heap.ts';

export const RUN_BUDGET: RunBudget = { instructions: 200_000_000, milliseconds: 20_000 };

/** Most calls to simulated functions per call. */
const MOST_SIMULATED = 200_000;

/** Most nested traps: code that a bug frame calls may trap again. */
const MOST_NESTED = 16;

/** A call in progress, with everything it has called. */
interface Run {
  readonly cpu: Cpu;
  readonly context: RunContext;
  readonly budget: RunBudget;
  simulated: number;
  depth: number;
}

/** Bytes at a function's entry that show whether it is patched; no jump is longer. */
const ENTRY_BYTES = 8;

/** An address at which code may enter a simulated function. */
interface SimulatedEntry {
  readonly name: string;
  readonly simulated: SimulatedFunction;
  /** The hypervisor's own code there. */
  readonly code: Uint8Array;
}

/**
 * Runs machine code on a processor. Handles its traps as the hypervisor does, and simulates functions whose own code cannot run here.
 */
export class ProcessorRunner implements CodeRunner {
  readonly heap: XenHeap;
  readonly payloads: PayloadStructs;
  readonly heldLocks = new Map<Address, number>();
  readonly #hv: Hypervisor;
  readonly #open: OpenCpu;
  readonly #stacks: HypervisorStacks;
  /** Simulated functions by address. */
  readonly #simulated = new Map<Address, SimulatedEntry>();
  readonly #returnTo: Address;
  #plain: Cpu | undefined;
  #traced: Cpu | undefined;
  #observer: RunObserver | undefined;
  #run: Run | undefined;

  constructor(hv: Hypervisor, open: OpenCpu, simulatedFunctions: readonly SimulatedFunction[]) {
    this.#hv = hv;
    this.#open = open;
    const { space } = hv.machine;
    this.heap = new XenHeap(space, hv.arch.execution.layout.heap);
    this.#stacks = new HypervisorStacks(hv);
    this.payloads = new PayloadStructs(hv, this.heap);
    this.#returnTo = hv.arch.execution.layout.returnTo;
    for (const simulated of simulatedFunctions) {
      for (const name of simulated.names) {
        const address = hv.symbols.byName(name);
        // The init part of the image has been freed.
        if (address === 0n || space.permissionAt(address)?.execute !== true) continue;
        for (const entry of hv.arch.execution.entryPoints(address, space)) {
          this.#simulated.set(entry, { name, simulated, code: space.read(entry, ENTRY_BYTES) });
        }
      }
    }
  }

  stackOf(cpu: number): AddressRange {
    return this.#stacks.range(cpu);
  }

  ranges(): AddressRange[] {
    const { start, limit } = this.heap;
    return [{ start, end: addOffset(start, limit) }, ...this.#stacks.ranges()];
  }

  get cpu(): Cpu {
    return this.#current.cpu;
  }

  get context(): RunContext {
    return this.#current.context;
  }

  get #current(): Run {
    return ensure(this.#run, 'a call is in progress');
  }

  call(
    entry: Address,
    args: readonly bigint[],
    context: RunContext,
    { budget = RUN_BUDGET, observer }: { readonly budget?: RunBudget; readonly observer?: RunObserver } = {},
  ): bigint {
    const outer = this.#run;
    assert(outer === undefined || observer === undefined, 'only the outermost call is observed');
    this.#observer = outer === undefined ? observer : this.#observer;
    const cpu = outer?.cpu ?? this.#processor(observer !== undefined);
    if (outer === undefined) cpu.allow(budget.milliseconds);
    this.#run = { cpu, context, budget, simulated: 0, depth: 0 };
    const { calls } = this.#hv.arch.execution;
    for (const register of calls.registers) cpu.set(register, 0n);
    cpu.set(calls.flags, calls.flagsWith(context.interrupts));
    cpu.set(calls.stackPointer, this.#stacks.enter(context, cpu));
    try {
      return this.#execute(entry, args);
    } finally {
      this.#run = outer;
      if (outer === undefined) this.#observer = undefined;
    }
  }

  callNested(entry: Address, args: readonly bigint[], below: Address): bigint {
    const run = this.#current;
    const { calls } = this.#hv.arch.execution;
    if (run.depth >= MOST_NESTED) throw new HostStop({ kind: 'hang', why: `more than ${MOST_NESTED} nested traps` });
    const kept = calls.registers.map((register) => [register, run.cpu.get(register)] as const);
    run.depth++;
    run.cpu.set(calls.stackPointer, below);
    const result = this.#execute(entry, args);
    run.depth--;
    for (const [register, value] of kept) run.cpu.set(register, value);
    return result;
  }

  close(): void {
    this.#plain?.close();
    this.#traced?.close();
    this.#plain = undefined;
    this.#traced = undefined;
  }

  #processor(traced: boolean): Cpu {
    const request = { arch: this.#hv.arch.name, space: this.#hv.machine.space, stopAt: [...this.#simulated.keys()] };
    if (!traced) {
      this.#plain ??= this.#open(request);
      return this.#plain;
    }
    this.#traced ??= this.#open({
      ...request,
      trace: (address, size) => this.#observer?.instruction(address, size),
    });
    return this.#traced;
  }

  #execute(entry: Address, args: readonly bigint[]): bigint {
    const { cpu } = this.#current;
    const { calls } = this.#hv.arch.execution;
    calls.enter(cpu, this.#hv.machine.space, entry, args, this.#returnTo);
    // A run does not stop at its start address.
    if (this.#isSimulated(entry)) this.#simulate(entry);
    for (;;) {
      const exit = this.#step();
      if (exit === 'returned') return cpu.get(calls.result);
    }
  }

  #step(): 'returned' | 'continues' {
    const { cpu, budget } = this.#current;
    const { space } = this.#hv.machine;
    if (cpu.get(this.#hv.arch.execution.calls.programCounter) === this.#returnTo) return 'returned';
    this.#hv.arch.execution.setWriteProtect(cpu, space.writeProtect);
    const exit = cpu.run({ until: this.#returnTo, instructions: budget.instructions });
    space.writeProtect = this.#hv.arch.execution.writeProtect(cpu);
    return this.#handle(exit);
  }

  #handle(exit: CpuExit): 'returned' | 'continues' {
    switch (exit.kind) {
      case 'stop':
        if (exit.address === this.#returnTo) return 'returned';
        if (this.#isSimulated(exit.address)) this.#simulate(exit.address);
        return 'continues';
      case 'fault':
        handleFault(this.#hv, this, this.#memoryFault(exit));
        return 'continues';
      case 'exception':
        handleException(this.#hv, this, exit.vector);
        return 'continues';
      case 'budget':
        throw new HostStop({ kind: 'hang', why: this.#exhausted(exit.of) });
    }
  }

  #exhausted(of: 'instructions' | 'time'): string {
    const { instructions, milliseconds } = this.#current.budget;
    const spent = of === 'time' ? `${milliseconds} ms` : `${instructions} instructions`;
    return `code did not return within ${spent}`;
  }

  /** Checks a processor's fault against the page tables. Returns `undefined` if they allow the access: the processor's view was stale. */
  #memoryFault(exit: CpuExit & { kind: 'fault' }): MemoryFault | undefined {
    try {
      this.#hv.machine.space.check(exit.address, Math.max(exit.size, 1), exit.access);
    } catch (thrown) {
      if (thrown instanceof MemoryFault) return thrown;
      throw thrown;
    }
    return undefined;
  }

  /** Whether calls here are simulated. They are not while a payload patches the function, since its code then is the payload's. */
  #isSimulated(address: Address): boolean {
    const known = this.#simulated.get(address);
    return known !== undefined && equalBytes(this.#hv.machine.space.read(address, ENTRY_BYTES), known.code);
  }

  #simulate(address: Address): void {
    const run = this.#current;
    const { name, simulated } = ensure(this.#simulated.get(address), 'a simulated function');
    run.simulated++;
    if (run.simulated > MOST_SIMULATED) {
      throw new HostStop({
        kind: 'hang',
        why: `code did not return after ${MOST_SIMULATED} calls to simulated functions (last: ${name})`,
      });
    }
    const { space } = this.#hv.machine;
    const { calls } = this.#hv.arch.execution;
    const registers = calls.arguments.map((register) => run.cpu.get(register));
    const result = within(this.#hv, name, () =>
      simulated.simulate({
        hv: this.#hv,
        runner: this,
        name,
        registers,
        stackArguments: calls.stackArguments(run.cpu),
      }),
    );
    calls.leave(run.cpu, space, result);
  }
}

import type { Address } from '../base/index.ts';

/** Nanoseconds, or `never` for a CPU that is stuck. */
export type Latency = number | 'never';

/** From being poked to the idle loop: an IPI and a context switch. */
const DEFAULT_ARRIVAL = 5_000;

/** From seeing that all CPUs are there to having interrupts disabled. */
const DEFAULT_IRQ_LATENCY = 200;

/** How a CPU behaves in the rendezvous. What is left out is that of a healthy idle CPU. */
export interface CpuOptions {
  /** Nanoseconds from being called to the rendezvous until it is in the idle loop (phase `CPU`). */
  readonly arrivesAfter?: Latency;
  /** Nanoseconds from the master's signal until its interrupts are off (phase `IRQ`). */
  readonly disablesIrqsAfter?: Latency;
  /** A function that it is executing, or has on its stack, when it is called. */
  readonly insideFunction?: Address;
}

/** One processor. CPU 0 is the one that the hypercall runs on, unless the hypervisor decides otherwise. */
export class Cpu {
  readonly id: number;
  arrivesAfter: Latency;
  disablesIrqsAfter: Latency;
  insideFunction: Address | undefined;
  interruptsEnabled = true;

  constructor(id: number, options: CpuOptions = {}) {
    this.id = id;
    this.arrivesAfter = options.arrivesAfter ?? DEFAULT_ARRIVAL;
    this.disablesIrqsAfter = options.disablesIrqsAfter ?? DEFAULT_IRQ_LATENCY;
    this.insideFunction = options.insideFunction;
  }
}

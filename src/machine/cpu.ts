import type { Address } from '../base/index.ts';

/** Nanoseconds, or `never` for a stuck CPU. */
export type Latency = number | 'never';

/** Time from the call to the idle loop: an IPI and a context switch. */
const DEFAULT_ARRIVAL = 5_000;

/** Time from the master's signal until interrupts are disabled. */
const DEFAULT_IRQ_LATENCY = 200;

/** A CPU's behaviour in the rendezvous. The defaults are those of a healthy idle CPU. */
export interface CpuOptions {
  /** Nanoseconds from the call to the rendezvous until it reaches the idle loop (phase `CPU`). */
  readonly arrivesAfter?: Latency;
  /** Nanoseconds from the master's signal until its interrupts are off (phase `IRQ`). */
  readonly disablesIrqsAfter?: Latency;
  /** A function that it is executing, or has on its stack, at the call. */
  readonly insideFunction?: Address;
}

/** A processor. CPU 0 makes the hypercall unless the hypervisor decides otherwise. */
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

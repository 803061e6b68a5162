import type { Address } from '../base/index.ts';
import type { Processor } from './x86_64/processor.ts';

/** One level of the walk to a faulting address. */
export interface WalkLine {
  /** As the format names it. */
  readonly level: string;
  readonly index: number;
  readonly entry: bigint;
  /** Does the entry map a large page? */
  readonly superpage: boolean;
}

/** A function that was being carried out, as a back trace names it. */
export interface TracePlace {
  readonly text: string;
  /** The address itself, where the code is of no known function. */
  readonly address: string | null;
}

/** A fault as the screen tells it. */
export interface FaultScreen {
  /** Lines above the first row of asterisks. */
  readonly head: readonly string[];
  /** What panic() is given. */
  readonly message: string;
}

export interface FaultFacts {
  readonly address: Address;
  readonly errorCode: number;
  readonly walk: readonly WalkLine[];
  /** Physical address of the root table. */
  readonly root: number;
  readonly cpu: number;
  /** show_execution_state's lines. */
  readonly state: readonly string[];
}

/**
 * How an architecture's trap handlers speak. What only a real run knows is marked: registers and stack are `[...]`, an address
 * is `?`.
 */
export interface PanicWords {
  /** Lines behind the banner, down to the back trace's. The first frame is where the CPU was; `certain`: the frames are those of frame pointers. */
  state(frames: readonly TracePlace[], certain: boolean): string[];
  pageFault(fault: FaultFacts): FaultScreen;
  /** What the banner says of the host: print_tainted(). */
  tainted(processor: Processor): string;
  /** Files in which functions of the hypervisor are static that may be in a trace. */
  readonly files: readonly string[];
}

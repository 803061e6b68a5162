import type { Address } from '../base/index.ts';
import type { Processor } from './x86_64/processor.ts';

/** One level of the walk to a faulting address. */
export interface WalkLine {
  /** The level's name, as in {@link PageTableLevel}. */
  readonly level: string;
  readonly index: number;
  readonly entry: bigint;
  /** Whether the entry maps a superpage. */
  readonly superpage: boolean;
}

/** One frame of a back trace. */
export interface TracePlace {
  readonly text: string;
  /** The address, if it is in no known function; otherwise `null`. */
  readonly address: string | null;
}

/** The panic screen of a fault. */
export interface FaultScreen {
  /** Lines above the first row of asterisks. */
  readonly head: readonly string[];
  /** The argument of panic(). */
  readonly message: string;
}

export interface FaultFacts {
  readonly address: Address;
  readonly errorCode: number;
  readonly walk: readonly WalkLine[];
  /** Physical address of the root table. */
  readonly root: number;
  readonly cpu: number;
  /** The lines of show_execution_state(). */
  readonly state: readonly string[];
}

/**
 * The panic texts of an architecture. Placeholders stand for what only a real run knows: `[...]` for registers and stack, `?` for an
 * address.
 */
export interface PanicWords {
  /** Returns the lines from the banner through the back trace. The first frame is where the CPU was. `certain`: frame pointers gave the frames. */
  state(frames: readonly TracePlace[], certain: boolean): string[];
  pageFault(fault: FaultFacts): FaultScreen;
  /** Returns the text of print_tainted() in the banner. */
  tainted(processor: Processor): string;
  /** Source files whose static functions may appear in a trace. */
  readonly files: readonly string[];
}

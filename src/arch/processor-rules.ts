import type { Processor } from './x86_64/processor.ts';

/** The processors that an architecture's hosts may have. */
export interface ProcessorRules {
  /** The default, if the user names no processor. */
  readonly standard: string;
  /** Parses a processor in the format of `--cpu`. Returns an error message if it is invalid. */
  parse(text: string): Processor | string;
  /** Example for messages. */
  readonly example: string;
  /** Whether the processor has a feature, in a release whose feature numbers end at `limit`. */
  hasFeature(processor: Processor, feature: number, limit: number): boolean;
  /** Returns `length` bytes of the NOPs that Xen uses on it. */
  nops(processor: Processor, length: number): Uint8Array;
  /** Whether the toolchain pads with the same NOPs as {@link nops} returns. */
  toolchainNopsIdeal(processor: Processor): boolean;
}

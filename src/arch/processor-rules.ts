import type { Processor } from './x86_64/processor.ts';

/** The processors that an architecture's hosts may have. */
export interface ProcessorRules {
  /** What is taken where the user names none. */
  readonly standard: string;
  /** As `--cpu` names one. Returns what is wrong as text. */
  parse(text: string): Processor | string;
  /** An example for messages. */
  readonly example: string;
  /** Has the host this feature, in a release whose feature numbers end at `limit`? */
  hasFeature(processor: Processor, feature: number, limit: number): boolean;
  /** `length` bytes of the NOPs that Xen uses on it. */
  nops(processor: Processor, length: number): Uint8Array;
  /** Is the padding that the toolchain writes what {@link nops} gives? */
  toolchainNopsIdeal(processor: Processor): boolean;
}

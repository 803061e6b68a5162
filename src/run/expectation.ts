import type { ExpectedState, PayloadState } from '../documents/index.ts';
import type { Errno } from '../xen/index.ts';
import type { Step } from './step.ts';

/** A step, and what it has to come to. */
export interface ExpectedStep<Payload = Uint8Array> {
  readonly step: Step<Payload>;
  readonly expect: StepExpectation;
  /** `null` where the host has to survive. */
  readonly panics: PanicExpectation | null;
  /** Skip the step where it calls a function that does not exist. */
  readonly optional?: boolean;
}

/** What Xen has to print during a step. Every member that is present has to match. */
export interface ConsoleExpectation {
  /** All lines, in order. */
  readonly exact?: readonly string[];
  /** Parts of lines, in this order. */
  readonly contains?: readonly string[];
  /** Parts that no line may contain. */
  readonly absent?: readonly string[];
}

/** What a step has to come to, apart from what its verb implies. */
export interface StepExpectation {
  readonly errno?: Errno | 0;
  readonly state?: ExpectedState;
  /** The rc of GET afterwards. */
  readonly rc?: Errno | 0;
  readonly console?: ConsoleExpectation;
  /** All payloads that LIST has to give, in order. */
  readonly list?: readonly ExpectedEntry[];
  readonly returns?: ExpectedReturn;
  /** One entry for each buffer that the function is called with; `null` where its content does not matter. */
  readonly buffers?: readonly (ExpectedBuffer | null)[];
}

/** What a buffer has to hold after the call: these bytes and no others, or NUL-terminated text at its start. */
export type ExpectedBuffer = { readonly bytes: Uint8Array } | { readonly text: string };

/** A payload as LIST has to report it. */
export interface ExpectedEntry {
  readonly name: string;
  readonly state?: PayloadState;
  readonly rc?: Errno | 0;
}

/** The value that a function has to return. */
export interface ExpectedReturn {
  readonly int?: bigint;
  readonly string?: string;
  readonly errno?: Errno | 0;
}

/** The panic that has to end the host. Absent members do not matter. */
export interface PanicExpectation {
  readonly errorCode?: number;
  /** Part of the message. */
  readonly message?: string;
  readonly address?: bigint;
}

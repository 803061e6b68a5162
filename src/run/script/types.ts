import type { ExpectedState, PayloadState } from '../../documents/index.ts';
import type { Errno } from '../../xen/index.ts';
import type { ScriptPlace } from './node.ts';

/** What Xen has to print in a step. All members that are there have to hold. */
export interface ConsoleExpectation {
  /** All lines. */
  readonly exact?: readonly string[];
  /** Lines that have these in them, in this order. */
  readonly contains?: readonly string[];
  /** What no line has in it. */
  readonly absent?: readonly string[];
}

/** What is expected of a step, apart from what its verb brings. */
export interface StepExpectation {
  readonly errno?: Errno | 0;
  readonly state?: ExpectedState;
  /** The rc of GET afterwards. */
  readonly rc?: Errno | 0;
  readonly console?: ConsoleExpectation;
}

/** The file that a payload comes from. */
export interface PayloadSource {
  /** Relative to the root of the scenario. */
  readonly path: string;
  /** Where it is named: for messages. */
  readonly place: ScriptPlace;
  /** Are build-ids and sizes of the hypervisor at hand to be filled in? */
  readonly fit: boolean;
  /** What it goes on top of, where it is fitted. */
  readonly depends: PayloadSource | null;
}

/** An argument of a call. */
export type ScriptArgument =
  | { readonly kind: 'int'; readonly value: bigint }
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'buffer'; readonly bytes: Uint8Array };

/** What a buffer has to hold after the call; text stands for itself and a NUL, at the buffer's start. */
export type ExpectedBuffer = { readonly bytes: Uint8Array } | { readonly text: string } | null;

/** What LIST has to say of a payload. */
export interface ExpectedEntry {
  readonly name: string;
  readonly state?: PayloadState;
  readonly rc?: Errno | 0;
}

/** What a function has to return. */
export interface ExpectedReturn {
  readonly int?: bigint;
  readonly string?: string;
  readonly errno?: Errno | 0;
}

export type ActionVerb = 'apply' | 'revert' | 'replace' | 'unload';

/** One thing that is done. Names are byte strings. */
export type ScriptAction =
  | { readonly verb: 'upload'; readonly name: string; readonly source: PayloadSource; readonly flags: number }
  | { readonly verb: ActionVerb; readonly name: string; readonly timeout?: number; readonly flags?: number }
  | { readonly verb: 'get'; readonly name: string }
  | {
      readonly verb: 'list';
      readonly idx: number;
      readonly nr: number;
      readonly payloads: readonly ExpectedEntry[] | null;
    }
  | { readonly verb: 'dump' | 'verify' }
  | {
      readonly verb: 'call';
      readonly function: string;
      readonly args: readonly ScriptArgument[];
      readonly cpu?: number;
      readonly returns: ExpectedReturn | null;
      readonly buffers: readonly ExpectedBuffer[] | null;
    };

/** How the host has to die. Members that are not there do not matter. */
export interface PanicExpectation {
  readonly errorCode?: number;
  /** Text that the message has in it. */
  readonly message?: string;
  readonly address?: bigint;
}

export interface ScriptStep {
  readonly place: ScriptPlace;
  /** `apply hello`: the step in words. */
  readonly text: string;
  readonly action: ScriptAction;
  readonly expect: StepExpectation;
  /** `null` where the host has to live. */
  readonly panics: PanicExpectation | null;
}

/** The host that a run wants. What is absent is left to the image. */
export interface ScriptSettings {
  readonly xen?: { readonly path: string; readonly place: ScriptPlace };
  readonly release?: string;
  readonly cpu?: string;
  readonly cpus?: number;
  /** CPU → nanoseconds. */
  readonly late?: Readonly<Record<number, number>>;
  readonly stuck?: readonly number[];
  readonly debug?: boolean;
  readonly loglvl?: string;
  /** Nanoseconds. */
  readonly timeout?: number;
  readonly nodeps?: boolean;
}

/** One run: a scenario, at one place of its matrix. Plain data, so that it can be handed to another thread. */
export interface ScenarioCell {
  /** As the user would name it. */
  readonly file: string;
  readonly title: string;
  /** `release=4.17.2 cpu=amd-zen4`: the place in the matrix; empty where there is none. */
  readonly cell: string;
  readonly settings: ScriptSettings;
  readonly steps: readonly ScriptStep[];
}

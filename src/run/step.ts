import type { Finding } from '../base/index.ts';
import type { CacheMaintenance, HookCall } from '../hypervisor/index.ts';
import type { ActionName, CallResult, FunctionCall, HostPanic, ListAnswer } from '../xen/index.ts';

/**
 * One thing that is done to a host, as plain data. Scenario files, rehearsals, checks and conformance cases are lists of these. Names are byte
 * strings. `Payload` is how an upload names its file: by its bytes, which {@link takeStep} needs, or by whatever its owner resolves to bytes first.
 */
export type Step<Payload = Uint8Array> =
  | { readonly verb: 'upload'; readonly name: string; readonly payload: Payload; readonly flags?: number }
  /** `timeout` is in nanoseconds; 0, the default, stands for Xen's own. */
  | { readonly verb: ActionName; readonly name: string; readonly timeout?: number; readonly flags?: number }
  | { readonly verb: 'get'; readonly name: string }
  | ListStep
  /** Presses the console key `x`. */
  | { readonly verb: 'dump' }
  /** Compares the hypervisor's live code with what the steps so far should have made of it. */
  | VerifyStep
  | ({ readonly verb: 'call' } & FunctionCall);

/** Sizes of the caller's buffers are as in {@link ListRequest}: large enough where they are absent. */
export interface ListStep {
  readonly verb: 'list';
  readonly idx: number;
  readonly nr: number;
  readonly nameTotalSize?: number;
  readonly metadataTotalSize?: number;
}

export interface VerifyStep {
  readonly verb: 'verify';
  /** Compares only the functions of this payload, rather than all of the hypervisor's text. */
  readonly name?: string;
}

/** The verb of a step, as scenario files and documents spell it. */
export type StepVerb = Step['verb'];

/** What was seen of a host during a step, whatever became of it. */
export interface StepTrace {
  /** Lines that the host printed, without `(XEN) `. A panic's screen is not among them. */
  readonly console: readonly string[];
  /** Findings of the simulator; none from a real host. */
  readonly findings: readonly Finding[];
  /** Cache maintenance in order; none where it cannot be seen. */
  readonly cacheMaintenance: readonly CacheMaintenance[];
}

/** A payload as GET reports it: LIVEPATCH_STATE_*, and the result of its last action, 0 or a negated errno. */
export interface PayloadStatus {
  readonly state: number;
  readonly rc: number;
}

/** What became of a step. */
export type StepOutcome = StepTrace &
  (
    | AnsweredStep
    | { readonly kind: 'listed'; readonly list: ListAnswer }
    | { readonly kind: 'dumped' }
    | { readonly kind: 'called'; readonly call: CallOutcome }
    /** The live code is as it should be. */
    | { readonly kind: 'verified' }
    /** The live code differs: each problem in words, at least one. */
    | { readonly kind: 'differs'; readonly problems: readonly string[] }
    /** The host died. Nothing works on it any more. `call` is what is known of the call that killed it. */
    | { readonly kind: 'died'; readonly panic: HostPanic; readonly call: CallResult | null }
    /** The simulation ended in front of payload code that cannot be run here. Nothing works on it any more. */
    | { readonly kind: 'stopped-at-hook'; readonly hook: HookCall }
    /** The host did not come back from the call, and shows no panic. */
    | { readonly kind: 'no-answer' }
  );

/** An upload, an action or a GET, and the GET that {@link takeStep} makes after the first two. */
export interface AnsweredStep {
  readonly kind: 'answered';
  /** Result of the hypercall: 0 or a negated errno. */
  readonly rc: number;
  /** Result of the operation: of an action that was scheduled the payload's own, from GET; otherwise `rc`. */
  readonly result: number;
  /** The payload afterwards; `null` where GET is refused, because there is none of that name. */
  readonly status: PayloadStatus | null;
  /** Result of that GET. */
  readonly statusRc: number;
}

/** A call that came back, or whose function never returned. */
export interface CallOutcome {
  readonly result: CallResult;
  /** The NUL-terminated text that the result points to; `null` where there is none in mapped memory. */
  readonly text: string | null;
}

/** Did the step leave a host that can take no more steps? */
export const hostEnded = (
  outcome: StepOutcome,
): outcome is Extract<StepOutcome, { kind: 'died' | 'stopped-at-hook' | 'no-answer' }> =>
  outcome.kind === 'died' || outcome.kind === 'stopped-at-hook' || outcome.kind === 'no-answer';

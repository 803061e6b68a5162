import type { Finding } from '../base/index.ts';
import type { CacheMaintenance, HookCall } from '../hypervisor/index.ts';
import type { ActionName, CallResult, FunctionCall, HostPanic, ListAnswer } from '../xen/index.ts';

/**
 * One operation on a host, as plain data. Scenarios, rehearsals, checks and conformance cases are lists of steps. Names are byte strings. `Payload`
 * is what an upload carries: the bytes that {@link takeStep} needs, or a reference that the list's owner resolves first.
 */
export type Step<Payload = Uint8Array> =
  | { readonly verb: 'upload'; readonly name: string; readonly payload: Payload; readonly flags?: number }
  /** `timeout` is in nanoseconds. The default, 0, stands for Xen's own. */
  | { readonly verb: ActionName; readonly name: string; readonly timeout?: number; readonly flags?: number }
  | { readonly verb: 'get'; readonly name: string }
  | ListStep
  /** Presses the console key `x`. */
  | { readonly verb: 'dump' }
  /** Compares the hypervisor's live code with what it should be after the steps so far. */
  | VerifyStep
  | ({ readonly verb: 'call' } & FunctionCall);

/** Buffer sizes are as in {@link ListRequest}: large enough if absent. */
export interface ListStep {
  readonly verb: 'list';
  readonly idx: number;
  readonly nr: number;
  readonly nameTotalSize?: number;
  readonly metadataTotalSize?: number;
}

export interface VerifyStep {
  readonly verb: 'verify';
  /** Compare only the functions of this payload, not all of the hypervisor's text. */
  readonly name?: string;
}

/** The verb of a step, as scenario files and documents spell it. */
export type StepVerb = Step['verb'];

/** What a step leaves behind, whatever its outcome. */
export interface StepTrace {
  /** Lines that the host printed, without `(XEN) `. A panic's screen is not among them. */
  readonly console: readonly string[];
  /** Findings of the simulator; none from a real host. */
  readonly findings: readonly Finding[];
  /** Cache maintenance in order; none if it cannot be seen. */
  readonly cacheMaintenance: readonly CacheMaintenance[];
}

/** A payload as GET reports it: LIVEPATCH_STATE_*, and the result of its last action, 0 or a negated errno. */
export interface PayloadStatus {
  readonly state: number;
  readonly rc: number;
}

/** The outcome of a step. */
export type StepOutcome = StepTrace &
  (
    | AnsweredStep
    | { readonly kind: 'listed'; readonly list: ListAnswer }
    | { readonly kind: 'dumped' }
    | { readonly kind: 'called'; readonly call: CallOutcome }
    /** The live code is as it should be. */
    | { readonly kind: 'verified' }
    /** The live code is not as it should be. There is at least one problem, in words. */
    | { readonly kind: 'differs'; readonly problems: readonly string[] }
    /** The host died, and takes no more steps. `call` is what is known of the call that killed it. */
    | { readonly kind: 'died'; readonly panic: HostPanic; readonly call: CallResult | null }
    /** The simulation ended in front of payload code that cannot be run here. The host takes no more steps. */
    | { readonly kind: 'stopped-at-hook'; readonly hook: HookCall }
    /** The host did not return from the call, and shows no panic. */
    | { readonly kind: 'no-answer' }
  );

/** An upload, an action or a GET. {@link takeStep} makes a GET after the first two. */
export interface AnsweredStep {
  readonly kind: 'answered';
  /** Result of the hypercall: 0 or a negated errno. */
  readonly rc: number;
  /** Result of the operation: the payload's own rc for an action that was scheduled, otherwise `rc`. */
  readonly result: number;
  /** The payload afterwards; `null` if GET is refused, because no payload has that name. */
  readonly status: PayloadStatus | null;
  /** Result of that GET. */
  readonly statusRc: number;
}

/** The result of a call on a host that survives it. */
export interface CallOutcome {
  readonly result: CallResult;
  /** The NUL-terminated text that the result points to; `null` if it points to none. */
  readonly text: string | null;
}

/** Is the host unable to take more steps? */
export const hostEnded = (
  outcome: StepOutcome,
): outcome is Extract<StepOutcome, { kind: 'died' | 'stopped-at-hook' | 'no-answer' }> =>
  outcome.kind === 'died' || outcome.kind === 'stopped-at-hook' || outcome.kind === 'no-answer';

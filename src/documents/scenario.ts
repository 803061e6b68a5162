/**
 * The document that a run of scenarios gives: `xsplice rehearse FILE.yaml --json`. As in the other documents addresses are hex strings, errno are
 * Xen's names, and text that comes from a host or a file is a byte string.
 */
import type { ReportedCall } from './call.ts';
import type { DocumentFinding, PayloadState, RehearsalPanic, StepDocument, XenIdentity } from './documents.ts';

/** What a step does. */
export type ScriptVerb =
  | 'upload'
  | 'apply'
  | 'revert'
  | 'replace'
  | 'unload'
  | 'get'
  | 'list'
  | 'dump'
  | 'verify'
  | 'call';

/** A payload's state, or `none` where the hypervisor has no such payload. */
export type ExpectedState = PayloadState | 'none';

/** `error`: the environment did not let it come to an end, and nothing is known of the payloads. */
export type ScenarioVerdict = 'passed' | 'failed' | 'error';

/** What can be told of an expectation and of what came instead. */
export type ScenarioValue = string | number | null | readonly string[];

/** One payload as LIST gives it. */
export interface ScenarioListEntry {
  readonly name: string;
  readonly state: PayloadState | null;
  readonly rc: number;
}

export interface ScenarioStep extends StepDocument {
  readonly step: ScriptVerb;
  /** The payload's name, or the function's; null where the verb has none. */
  readonly name: string | null;
  /** `dir/x.yaml:3:5`. */
  readonly place: string;
  readonly passed: boolean;
  /** The payload's state afterwards; null where the step is about none, and where the host is gone. */
  readonly state: ExpectedState | null;
  /** The `rc` of GET afterwards; null as for `state`, and for `none`. */
  readonly status: number | null;
  /** Of `list`. */
  readonly list: readonly ScenarioListEntry[] | null;
  /** Of `call`: which of `calls`, from 0. */
  readonly call: number | null;
  readonly panic: RehearsalPanic | null;
  /** Our own words on a step that is not what it would be on a host, or that went wrong without the hypervisor's saying so. */
  readonly note?: string;
}

/** What did not come as expected. */
export interface ScenarioMismatch {
  /** `errno`, `state`, `rc`, `console`, `list`, `panic`, `returns.int`, `buffers[0]`, … */
  readonly field: string;
  readonly expected: ScenarioValue;
  readonly came: ScenarioValue;
}

/** Where a run first went another way than expected; it ends there. */
export interface ScenarioSurprise {
  /** Which step, counted from 1. */
  readonly step: number;
  readonly place: string;
  readonly fields: readonly ScenarioMismatch[];
}

/** A scenario on one host. */
export interface ScenarioRun {
  /** As the user named it. */
  readonly file: string;
  readonly title: string;
  /** `release=4.17.2 cpu=amd-zen4`; empty for a scenario without a matrix. */
  readonly cell: string;
  /** The host; null where it never came to be. */
  readonly xen: XenIdentity | null;
  readonly verdict: ScenarioVerdict;
  readonly steps: readonly ScenarioStep[];
  /** The steps that were not run, in words. */
  readonly left: readonly string[];
  readonly calls: readonly ReportedCall[];
  readonly surprise: ScenarioSurprise | null;
  /** Of the verdict `error`. */
  readonly error: { readonly code: string; readonly message: string; readonly hint: string | null } | null;
  /** What the simulator says about the step that went another way, and what it took for granted. */
  readonly findings: readonly DocumentFinding[];
}

export interface ScenarioReport {
  readonly format: 'xsplice-scenario/2';
  readonly scenarios: readonly ScenarioRun[];
}

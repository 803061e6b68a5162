import type { HostIdentity, HostPayload, HostStep } from '../documents/index.ts';
import type { LivepatchTarget, OpResult } from '../xen/index.ts';
import { ERRNO, errnoName } from '../xen/index.ts';
import { strerror } from './host-strerror.ts';

/** The host as the commands see it: all of it can be had from the simulator, too. */
export interface ToolHost {
  readonly target: LivepatchTarget;
  /** The second number of the toolstack's version: which `xen-livepatch` this stands for. */
  readonly minor: number;
  /** What a call's errno says of the host, where it is not the payload's. */
  readonly advice: (errno: number) => string | undefined;
  readonly identity: () => Promise<HostIdentity>;
  /** Presses the console key `x`. */
  readonly dump: () => Promise<OpResult>;
}

/** One run of a command. */
export interface Session {
  readonly host: ToolHost;
  /** Standard output and standard error of `xen-livepatch`. */
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly sleep: (ms: number) => Promise<void>;
  readonly cwd: string;
  /** What is said besides, to explain a failure: one line each. */
  readonly advice: string[];
  readonly steps: HostStep[];
  payloads: readonly HostPayload[] | null;
  dumped: readonly string[] | null;
}

/**
 * What a command comes to, in the words of the source: 0, an errno, or -1 for a refusal of the tool's own.
 */
export type Outcome = number;

/** Exit status of a refusal; Xen's `EXIT_TIMEOUT`, 2, asks for another attempt. Source: xen-livepatch.c, main (4.9+). */
export const statusOf = (outcome: Outcome): number =>
  outcome === 0 ? 0 : outcome === ERRNO.EAGAIN || outcome === ERRNO.EBUSY ? 2 : 1;

/** `Error 22: Invalid argument`. */
export const errorLine = (errno: number): string => `Error ${errno}: ${strerror(errno)}\n`;

/** Source: xen/include/public/sysctl.h, LIVEPATCH_STATE_*. */
export const STATE = { CHECKED: 1, APPLIED: 2 } as const;

/** Source: xen-livepatch.c, state2str. */
export const stateName = (state: number): string =>
  state === STATE.CHECKED ? 'CHECKED' : state === STATE.APPLIED ? 'APPLIED' : 'unknown';

/** Tells of an errno that a call gave, and what it may mean. */
export function tellErrno(session: Session, errno: number): void {
  session.err(errorLine(errno));
  const advice = session.host.advice(errno);
  if (advice !== undefined && !session.advice.includes(advice)) session.advice.push(advice);
}

export function recordStep(
  session: Session,
  step: HostStep['step'],
  name: string,
  rc: number | null,
  state: number | null,
): void {
  const errno = rc === null ? null : errnoName(rc);
  session.steps.push({ step, name, rc, errno, state: state === null ? null : stateName(state) });
}

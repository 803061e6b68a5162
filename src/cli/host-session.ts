import type { HostIdentity, HostPayload, HostStep } from '../documents/index.ts';
import type { Answer, LivepatchTarget, NoAnswer } from '../xen/index.ts';
import { ERRNO, errnoName } from '../xen/index.ts';
import { strerror } from './host-strerror.ts';

/** A target that answers every call: the host that this process runs on, which could not outlive it. */
export type AnsweringTarget = Pick<LivepatchTarget, 'takeConsole'> & {
  [Call in 'upload' | 'get' | 'list' | 'action']: (
    ...args: Parameters<LivepatchTarget[Call]>
  ) => Promise<Exclude<Awaited<ReturnType<LivepatchTarget[Call]>>, NoAnswer>>;
};

/** The host as the commands use it. Tests make one from the simulator. */
export interface ToolHost {
  readonly target: AnsweringTarget;
  /** Minor version of the toolstack: which `xen-livepatch` to behave like. */
  readonly minor: number;
  /** Explains an errno that the host causes, not the payload. */
  readonly advice: (errno: number) => string | undefined;
  readonly identity: () => Promise<HostIdentity>;
  /** Presses the console key `x`. */
  readonly dump: () => Promise<Answer>;
}

/** One run of a command. */
export interface Session {
  readonly host: ToolHost;
  /** Standard output and standard error of `xen-livepatch`. */
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly sleep: (ms: number) => Promise<void>;
  readonly cwd: string;
  /** Explanations of failures, one line each. */
  readonly advice: string[];
  readonly steps: HostStep[];
  payloads: readonly HostPayload[] | null;
  dumped: readonly string[] | null;
}

/** Result of a command, as in xen-livepatch.c: 0, an errno, or -1 for a refusal by the tool itself. */
export type Outcome = number;

/** Returns the exit status; 2, Xen's `EXIT_TIMEOUT`, means try again. Source: xen-livepatch.c, main (4.9+). */
export const statusOf = (outcome: Outcome): number =>
  outcome === 0 ? 0 : outcome === ERRNO.EAGAIN || outcome === ERRNO.EBUSY ? 2 : 1;

/** `Error 22: Invalid argument`. */
export const errorLine = (errno: number): string => `Error ${errno}: ${strerror(errno)}\n`;

/** Source: xen/include/public/sysctl.h, LIVEPATCH_STATE_*. */
export const STATE = { CHECKED: 1, APPLIED: 2 } as const;

/** Source: xen-livepatch.c, state2str. */
export const stateName = (state: number): string =>
  state === STATE.CHECKED ? 'CHECKED' : state === STATE.APPLIED ? 'APPLIED' : 'unknown';

/** Prints the errno of a call, and records an explanation if there is one. */
export function reportErrno(session: Session, errno: number): void {
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

import { displayText } from '../report/index.ts';
import type { HostIdentity, HostPayload, HostStep, Outcome, Session } from './host-session.ts';
import { statusOf } from './host-session.ts';
import type { HostCommand } from './host-words.ts';

/** What `xsplice host COMMAND --json` prints. Strings are text: byte strings go through `displayText`. */
export interface HostReport {
  readonly format: 'xsplice-host/1';
  readonly command: Exclude<HostCommand, 'help'>;
  readonly verdict: 'done' | 'refused' | 'retry';
  readonly hypervisor: HostIdentity;
  readonly steps: readonly HostStep[];
  /** Of `list` and `inspect`; null otherwise, and where the list was refused. */
  readonly payloads: readonly HostPayload[] | null;
  /** What the console key `x` prints; of `inspect`, and null where it may not be pressed or read. */
  readonly dump: readonly string[] | null;
  /** What `xen-livepatch` says, by lines: on standard output and on standard error. */
  readonly messages: { readonly stdout: readonly string[]; readonly stderr: readonly string[] };
  /** What a failure means, where it is the host's and not the payload's. */
  readonly advice: readonly string[];
  /** The hypervisor's own lines meanwhile, without `(XEN) `. */
  readonly console: readonly string[];
}

const VERDICTS = ['done', 'refused', 'retry'] as const;

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

/** The document of one run. `said` is what went to each stream. */
export function hostReport(
  command: HostReport['command'],
  outcome: Outcome,
  session: Session,
  identity: HostIdentity,
  said: { readonly stdout: string; readonly stderr: string },
  console: readonly string[],
): HostReport {
  return {
    format: 'xsplice-host/1',
    command,
    verdict: VERDICTS[statusOf(outcome)] ?? 'refused',
    hypervisor: identity,
    steps: session.steps,
    payloads: session.payloads,
    dump: session.dumped,
    messages: { stdout: lines(said.stdout), stderr: lines(said.stderr) },
    advice: session.advice,
    console,
  };
}

/** The document as JSON, as the other commands print theirs. */
export const hostJson = (report: HostReport): string =>
  `${JSON.stringify(report, (_key, value: unknown) => (typeof value === 'string' ? displayText(value) : value), 2)}\n`;

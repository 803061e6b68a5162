import { displayText } from '../report/index.ts';
import type { HostIdentity, HostPayload, HostStep, Outcome, Session } from './host-session.ts';
import { statusOf } from './host-session.ts';
import type { HostCommand } from './host-words.ts';

/** The document of `xsplice host COMMAND --json`. Byte strings go through `displayText`. */
export interface HostReport {
  readonly format: 'xsplice-host/1';
  readonly command: Exclude<HostCommand, 'help'>;
  readonly verdict: 'done' | 'refused' | 'retry';
  readonly hypervisor: HostIdentity;
  readonly steps: readonly HostStep[];
  /** For `list` and `inspect`; null for other commands, and if the list was refused. */
  readonly payloads: readonly HostPayload[] | null;
  /** For `inspect`: what the console key `x` prints; null if it cannot be pressed or read. */
  readonly dump: readonly string[] | null;
  /** The lines that `xen-livepatch` would print. */
  readonly messages: { readonly stdout: readonly string[]; readonly stderr: readonly string[] };
  /** Explanations of a failure that the host caused, not the payload. */
  readonly advice: readonly string[];
  /** The hypervisor's console lines during the command, without `(XEN) `. */
  readonly console: readonly string[];
}

const VERDICTS = ['done', 'refused', 'retry'] as const;

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

/** Makes the document of one run. `output` is the text printed to each stream. */
export function hostReport(
  command: HostReport['command'],
  outcome: Outcome,
  session: Session,
  identity: HostIdentity,
  output: { readonly stdout: string; readonly stderr: string },
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
    messages: { stdout: lines(output.stdout), stderr: lines(output.stderr) },
    advice: session.advice,
    console,
  };
}

/** Formats the document as JSON, like the other commands. */
export const hostJson = (report: HostReport): string =>
  `${JSON.stringify(report, (_key, value: unknown) => (typeof value === 'string' ? displayText(value) : value), 2)}\n`;

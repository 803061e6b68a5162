import type { HostIdentity, HostReport } from '../documents/index.ts';
import type { Outcome, Session } from './host-session.ts';
import { statusOf } from './host-session.ts';

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

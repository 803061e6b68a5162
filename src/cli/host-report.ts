import type { HostIdentity, HostReport } from '../documents/index.ts';
import type { Outcome, Session } from './host-session.ts';
import { statusOf } from './host-session.ts';

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

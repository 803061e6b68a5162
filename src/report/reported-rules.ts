import type { DocumentFinding } from '../documents/index.ts';
import type { ReportedRule } from './check-results.ts';

/** What Xen says of live patches: the page for rules that have none of their own. */
const XEN_DOCUMENT = 'https://xenbits.xen.org/docs/unstable/misc/livepatch.html';

/** Rules of a check that no linter's table has: what comes of taking the payload through its life. */
const OWN: readonly ReportedRule[] = [
  { id: 'host-panic', title: 'The host panics', severity: 'error' },
  { id: 'wild-read', title: 'Xen reads memory that is not its own while it takes the payload', severity: 'error' },
  { id: 'stray-write', title: 'Xen writes to memory that is not the payload’s', severity: 'error' },
  { id: 'use-after-free', title: 'Xen keeps pointers into memory that it has freed', severity: 'error' },
  { id: 'verify', title: 'A function is not as it should be after apply or revert', severity: 'error' },
  { id: 'cet-patching', title: 'The payload cannot be applied with CET shadow stacks on', severity: 'error' },
  { id: 'hook-veto', title: 'A hook of the payload forbids the action', severity: 'error' },
  { id: 'expectation', title: 'Bytes of the hypervisor are not what the payload expects', severity: 'error' },
  { id: 'dependency-fails', title: 'A payload that this one depends on does not survive', severity: 'error' },
  { id: 'depends-not-given', title: 'The payload depends on one that was not given', severity: 'warning' },
  { id: 'hook-not-run', title: 'A hook is not run: what it does is not checked', severity: 'note' },
  { id: 'assumed', title: 'Something about the hypervisor is not known and was assumed', severity: 'note' },
  { id: 'refused', title: 'The hypervisor refuses the payload', severity: 'error' },
  { id: 'unsafe', title: 'The host would not be well with the payload', severity: 'error' },
];

/**
 * The rules of a report: those that `known` tells of, in their order, and behind them every other that was found. What nobody tells of is one of
 * Xen's own checks, called after its id.
 */
export function reportedRules(known: readonly ReportedRule[], findings: Iterable<DocumentFinding>): ReportedRule[] {
  const rules = new Map(known.map((rule) => [rule.id, rule]));
  for (const { rule: id, severity } of findings) {
    if (rules.has(id)) continue;
    const own = OWN.find((rule) => rule.id === id);
    const title = `Xen’s own check: ${id.replaceAll('-', ' ')}`;
    rules.set(id, own ?? { id, title, severity });
  }
  return [...rules.values()];
}

/** The page of a rule: an absolute URI. */
export const helpUriOf = ({ helpUri }: ReportedRule): string => helpUri ?? XEN_DOCUMENT;

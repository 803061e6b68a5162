import { isRuleId } from '../catalogue/index.ts';
import type { DocumentFinding } from '../documents/index.ts';
import type { ReportedRule } from './check-results.ts';
import { rulePage, ruleTitle } from './rules.ts';

/** What Xen says of live patches. */
const XEN_DOCUMENT = 'https://xenbits.xen.org/docs/unstable/misc/livepatch.html';

/** Returns the rules of a report: those of `known`, in their order, then every other one that was found, in the order of the findings. */
export function reportedRules(known: readonly ReportedRule[], findings: Iterable<DocumentFinding>): ReportedRule[] {
  const rules = new Map(known.map((rule) => [rule.id, rule]));
  for (const { rule: id, severity } of findings) {
    if (rules.has(id)) continue;
    rules.set(id, { id, title: ruleTitle(id), severity, ...(isRuleId(id) && { help: rulePage(id) }) });
  }
  return [...rules.values()];
}

/** The page of a rule: an absolute URI. */
export const helpUriOf = ({ helpUri }: ReportedRule): string => helpUri ?? XEN_DOCUMENT;

import type { Found } from '../base/index.ts';
import type { LintRuleId, RuleId } from '../catalogue/index.ts';
import type { LintContext } from './context.ts';

/** A check that Xen's loader does not make, or whose failure it does not report. */
export interface LintRule {
  /** The id in the catalogue, which has title and severity, and the name of the rule's file and page in `docs/rules/`. */
  readonly id: LintRuleId;
  /**
   * Refusals by the simulated hypervisor for the same reason. One of them at the same place suppresses the finding.
   */
  readonly coveredBy?: readonly RuleId[];
  /**
   * Returns the findings in file order. Pure: the same context gives the same findings. May run twice if it needs instructions: see
   * {@link LintContext.instructions}.
   */
  check(context: LintContext): Iterable<Found>;
}

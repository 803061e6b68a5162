import type { Found } from '../base/index.ts';
import type { LintRuleId, RuleId } from '../catalogue/index.ts';
import type { LintContext } from './context.ts';

/** Something that Xen's loader does not check, or does not say, and that an offline reader can see. */
export interface LintRule {
  /** Its entry in the catalogue has its title and severity. The rule's file and its page in `docs/rules/` have this name. */
  readonly id: LintRuleId;
  /**
   * Rules of the simulated hypervisor that refuse for the same reason: what one of them has said of the same place is not
   * said again.
   */
  readonly saidBy?: readonly RuleId[];
  /**
   * Looks, and tells what it found in the order of the file. Pure: the same context gives the same problems. It may be run twice
   * where it asks for instructions: see {@link LintContext.instructions}.
   */
  check(context: LintContext): Iterable<Found>;
}

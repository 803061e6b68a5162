import type { Place, Severity } from '../base/index.ts';
import type { LintContext } from './context.ts';

/** What a rule found: the message in short plain sentences, and where. The rule's id and severity are added to it. */
export interface LintProblem {
  readonly message: string;
  readonly where: Place;
  /** Where it is milder than the rule's own; what the user made of the rule holds all the same. */
  readonly severity?: Severity;
}

/** Something that Xen's loader does not check, or does not say, and that an offline reader can see. */
export interface LintRule {
  /** Stable: scripts filter on it. The rule's file and its page in `docs/rules/` have this name. */
  readonly id: string;
  /** What is wrong where the rule speaks up, in one line without a stop. */
  readonly title: string;
  /** What it counts as unless the user says otherwise; `note` is for what is true of many a sound payload. */
  readonly severity: Severity;
  /**
   * Rules of the simulated hypervisor that refuse for the same reason: what one of them has said of the same place is not
   * said again.
   */
  readonly saidBy?: readonly string[];
  /**
   * Looks, and tells what it found in the order of the file. Pure: the same context gives the same problems. It may be run twice
   * where it asks for instructions: see {@link LintContext.instructions}.
   */
  check(context: LintContext): Iterable<LintProblem>;
}

import { isRuleId, RULE_GROUPS, type RuleId } from '../catalogue/index.ts';
import { XspliceError } from './error.ts';
import { nearestNames } from './nearest.ts';

/** Returns the id if the catalogue has it. Throws an XspliceError (EUSAGE) with the nearest ids if not. */
export function parseRuleId(text: string): RuleId {
  if (isRuleId(text)) return text;
  const nearest = nearestNames(
    text,
    RULE_GROUPS.flatMap(({ rules }) => rules),
  );
  const hint = nearest.length > 0 ? `did you mean ${nearest.join(', ')}?` : 'see xsplice rules for all ids';
  throw new XspliceError('EUSAGE', `unknown rule ${text}`, hint);
}

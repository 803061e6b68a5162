import { parseRuleId, type Severity, XspliceError } from '../base/index.ts';
import { CATALOGUE } from '../catalogue/index.ts';
import type { LintRule } from './rule.ts';

/** The levels that a user can set for a rule. */
export const RULE_LEVELS = ['off', 'warn', 'error'] as const;

export type RuleLevel = (typeof RULE_LEVELS)[number];

/** Rule id → level set by the user. */
export type RuleLevels = ReadonlyMap<string, RuleLevel>;

/**
 * Parses settings like `overlap=error`; the last one for a rule wins. Throws an XspliceError (EUSAGE) for an unknown id, with the
 * nearest ones, for an id that is not a lint rule's, and for an invalid level.
 */
export function parseRuleLevels(settings: readonly string[], rules: readonly LintRule[]): Map<string, RuleLevel> {
  const levels = new Map<string, RuleLevel>();
  for (const setting of settings) {
    const [id = '', level = ''] = setting.split(/=(.*)/s);
    if (!(RULE_LEVELS as readonly string[]).includes(level)) {
      const hint = `for example: --rule ${rules[0]?.id ?? 'id'}=off`;
      throw new XspliceError(
        'EUSAGE',
        `invalid --rule ${setting}: must be RULE=LEVEL, with LEVEL one of ${RULE_LEVELS.join(', ')}`,
        hint,
      );
    }
    const rule = parseRuleId(id);
    if (!rules.some((each) => each.id === rule)) {
      throw new XspliceError(
        'EUSAGE',
        `${rule} is not a lint rule, so its level cannot be set`,
        `xsplice rules ${rule} explains it`,
      );
    }
    levels.set(id, level as RuleLevel);
  }
  return levels;
}

/** Returns a rule's severity after the user's settings; `off` if it must not run. */
export function severityOf({ id }: LintRule, levels: RuleLevels): Severity | 'off' {
  const level = levels.get(id);
  if (level === undefined) return CATALOGUE[id].severity;
  return level === 'warn' ? 'warning' : level;
}

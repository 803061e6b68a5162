import { parseRuleId, type Severity, XspliceError } from '../base/index.ts';
import { CATALOGUE } from '../catalogue/index.ts';
import type { LintRule } from './rule.ts';

/** What the user may make of a rule. */
export const RULE_LEVELS = ['off', 'warn', 'error'] as const;

export type RuleLevel = (typeof RULE_LEVELS)[number];

/** Rule id → what the user made of it. */
export type RuleLevels = ReadonlyMap<string, RuleLevel>;

/**
 * Reads settings like `overlap=error`; the last one of a rule holds. Throws an XspliceError (EUSAGE) for an
 * unknown id, with those nearest to it, for an id that is not a lint rule's, and for an invalid level.
 */
export function parseRuleLevels(settings: readonly string[], rules: readonly LintRule[]): Map<string, RuleLevel> {
  const levels = new Map<string, RuleLevel>();
  for (const setting of settings) {
    const [id = '', level = ''] = setting.split(/=(.*)/s);
    if (!(RULE_LEVELS as readonly string[]).includes(level)) {
      const hint = `as in --rule ${rules[0]?.id ?? 'id'}=off`;
      throw new XspliceError(
        'EUSAGE',
        `--rule ${setting}: expected a rule, = and one of ${RULE_LEVELS.join(', ')}`,
        hint,
      );
    }
    const rule = parseRuleId(id);
    if (!rules.some((each) => each.id === rule)) {
      throw new XspliceError(
        'EUSAGE',
        `${rule} is not a lint rule: it cannot be switched`,
        `xsplice rules ${rule} explains it`,
      );
    }
    levels.set(id, level as RuleLevel);
  }
  return levels;
}

/** The severity that a rule has after the user's settings; `off` where it is not to be run. */
export function severityOf({ id }: LintRule, levels: RuleLevels): Severity | 'off' {
  const level = levels.get(id);
  if (level === undefined) return CATALOGUE[id].severity;
  return level === 'warn' ? 'warning' : level;
}

import { nearestNames, type Severity, XspliceError } from '../base/index.ts';
import type { LintRule } from './rule.ts';

/** What the user may make of a rule. */
export const RULE_LEVELS = ['off', 'warn', 'error'] as const;

export type RuleLevel = (typeof RULE_LEVELS)[number];

/** Rule id → what the user made of it. */
export type RuleLevels = ReadonlyMap<string, RuleLevel>;

/**
 * Reads settings like `overlap=error`; the last one of a rule holds. Throws an XspliceError (EUSAGE) for an id that no rule has,
 * with those nearest to it, and for a level that is none.
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
    ruleById(id, rules);
    levels.set(id, level as RuleLevel);
  }
  return levels;
}

/** The rule of that id. Throws an XspliceError (EUSAGE) with the nearest ids where there is none. */
export function ruleById(id: string, rules: readonly LintRule[]): LintRule {
  const rule = rules.find((each) => each.id === id);
  if (rule !== undefined) return rule;
  const nearest = nearestNames(
    id,
    rules.map((each) => each.id),
  );
  const hint = nearest.length > 0 ? `did you mean ${nearest.join(', ')}?` : 'xsplice rules lists them';
  throw new XspliceError('EUSAGE', `no rule is called ${id}`, hint);
}

/** The severity that a rule has after the user's settings; `off` where it is not to be run. */
export function severityOf(rule: LintRule, levels: RuleLevels): Severity | 'off' {
  const level = levels.get(rule.id);
  if (level === undefined) return rule.severity;
  return level === 'warn' ? 'warning' : level;
}

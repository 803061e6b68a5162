/** Checks that the hypervisor does not make: one file per rule in `rules/`, one page per rule in docs/rules/. */
export { LintContext, type LintedPayload, type LintInput, type OldFunction } from './context.ts';
export { parseRuleLevels, RULE_LEVELS, type RuleLevel, type RuleLevels, severityOf } from './levels.ts';
export type { LintRule } from './rule.ts';
export { RULES } from './rules.ts';
export { type LintOptions, MAX_PER_RULE, runLint } from './run.ts';

import type { LintRule } from './rule.ts';
import { funcsReadOnly } from './rules/funcs-read-only.ts';

/** Every rule, in the order in which their findings come: what kills the host first. */
export const RULES: readonly LintRule[] = [funcsReadOnly];

import type { Disassembler } from '../arch/index.ts';
import { type Finding, type Found, finding, type Place, type Severity, XspliceError } from '../base/index.ts';
import { LintContext, type LintInput, NO_DISASSEMBLER } from './context.ts';
import { type RuleLevels, severityOf } from './levels.ts';
import type { LintRule } from './rule.ts';

export interface LintOptions {
  /** Levels set by the user. */
  readonly levels?: RuleLevels;
  /** Loads a disassembler, once, if a rule needs instructions. Without it, such rules are skipped with a note. */
  readonly loadDisassembler?: () => Promise<Disassembler>;
}

/** Maximum number of findings of one rule about one payload. */
export const MAX_PER_RULE = 20;

/** Stops a rule after this many findings. */
const MAX_COUNTED = 10_000;

/**
 * Runs rules on one payload. Returns the findings in the order of the rules and, for each rule, of the file. If `loadDisassembler` rejects
 * with an XspliceError, skips the rules that need it, with a note; rejects with any other error.
 */
export async function runLint(
  rules: readonly LintRule[],
  input: LintInput,
  { levels = new Map(), loadDisassembler }: LintOptions = {},
): Promise<Finding[]> {
  // The rules would misread another machine's payload; Xen refuses it anyway.
  if (input.payload.content.arch !== input.image.arch.name) return [];
  const context = new LintContext(input);
  const findings: Finding[] = [];
  let missing: string | null = loadDisassembler === undefined ? 'there is no disassembler' : null;
  for (const rule of rules) {
    const severity = severityOf(rule, levels);
    if (severity === 'off') continue;
    let found = attempt(rule, context);
    if (found === null && missing === null && loadDisassembler !== undefined) {
      try {
        context.useDisassembler(await loadDisassembler());
        found = attempt(rule, context);
      } catch (error) {
        if (!(error instanceof XspliceError)) throw error;
        missing = error.message;
      }
    }
    if (found === null) {
      const message = `skipped the rule ${rule.id}, which needs a disassembler: ${missing}`;
      findings.push(finding('lint-not-run', { message, where: { file: input.payload.file } }));
      continue;
    }
    const remaining = found.filter(({ where }) => !input.loader.some((refusal) => covers(refusal, rule, where)));
    const levelOf = (found: Found): Severity => (levels.has(rule.id) ? severity : (found.severity ?? severity));
    for (const found of remaining.slice(0, MAX_PER_RULE)) {
      const where = { file: input.payload.file, ...found.where };
      findings.push(finding(rule.id, { ...found, severity: levelOf(found), where }));
    }
    const more = remaining.slice(MAX_PER_RULE).map(levelOf);
    if (more.length > 0) {
      const message = `${more.length} more of this kind`;
      const worst = more.includes(severity) ? severity : (more[0] as Severity);
      findings.push(finding(rule.id, { severity: worst, message, where: { file: input.payload.file } }));
    }
  }
  return findings;
}

/** Returns the findings of a rule; `null` if it needs a disassembler that is not loaded. */
function attempt(rule: LintRule, context: LintContext): Found[] | null {
  try {
    const found: Found[] = [];
    for (const problem of rule.check(context)) {
      found.push(problem);
      // A broken file may have a finding for every byte.
      if (found.length === MAX_COUNTED) break;
    }
    return found;
  } catch (error) {
    if (error === NO_DISASSEMBLER) return null;
    throw error;
  }
}

/** Tells whether a refusal covers a rule's finding: same reason and same place, by the members that both places have. */
function covers(refusal: Finding, rule: LintRule, where: Place): boolean {
  if (rule.coveredBy?.includes(refusal.rule) !== true) return false;
  return (['section', 'offset', 'symbol'] as const).every(
    (member) =>
      refusal.where[member] === undefined || where[member] === undefined || refusal.where[member] === where[member],
  );
}

import type { Disassembler } from '../arch/index.ts';
import { type Finding, type Found, finding, type Place, type Severity, XspliceError } from '../base/index.ts';
import { LintContext, type LintInput, NO_DISASSEMBLER } from './context.ts';
import { type RuleLevels, severityOf } from './levels.ts';
import type { LintRule } from './rule.ts';

export interface LintOptions {
  /** What the user made of the rules. */
  readonly levels?: RuleLevels;
  /** Loads a disassembler; called once, and only where a rule needs instructions. Without it such rules are left out, with a note. */
  readonly loadDisassembler?: () => Promise<Disassembler>;
}

/** Most findings of one rule about one payload; more of the same help nobody. */
export const MOST_PER_RULE = 20;

/** No rule is heard on beyond this. */
const MOST_COUNTED = 10_000;

/**
 * Runs rules over one payload, in their order. What a rule finds comes in the order of the file, and the same input always gives the same
 * findings. Rejects with what `loadDisassembler` rejects with, unless that is an XspliceError: then the rules that need it are left
 * out with a note.
 */
export async function runLint(
  rules: readonly LintRule[],
  input: LintInput,
  { levels = new Map(), loadDisassembler }: LintOptions = {},
): Promise<Finding[]> {
  // Of another machine nothing is what it looks like; Xen says so.
  if (input.payload.content.arch !== input.image.arch.name) return [];
  const context = new LintContext(input);
  const findings: Finding[] = [];
  let missing: string | null = loadDisassembler === undefined ? 'no disassembler was given' : null;
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
      const message = `the rule ${rule.id} was not run, it needs instructions: ${missing}`;
      findings.push(finding('lint-not-run', { message, where: { file: input.payload.file } }));
      continue;
    }
    const news = found.filter(({ where }) => !input.loader.some((said) => saysTheSame(rule, said, where)));
    const levelOf = (found: Found): Severity => (levels.has(rule.id) ? severity : (found.severity ?? severity));
    for (const found of news.slice(0, MOST_PER_RULE)) {
      const where = { file: input.payload.file, ...found.where };
      findings.push(finding(rule.id, { ...found, severity: levelOf(found), where }));
    }
    const more = news.slice(MOST_PER_RULE).map(levelOf);
    if (more.length > 0) {
      const message = `${more.length} more of this kind`;
      const worst = more.includes(severity) ? severity : (more[0] as Severity);
      findings.push(finding(rule.id, { severity: worst, message, where: { file: input.payload.file } }));
    }
  }
  return findings;
}

/** What a rule finds; `null` where it needs a disassembler that is not there yet. */
function attempt(rule: LintRule, context: LintContext): Found[] | null {
  try {
    const found: Found[] = [];
    for (const problem of rule.check(context)) {
      found.push(problem);
      // A broken file may have one for each of its bytes.
      if (found.length === MOST_COUNTED) break;
    }
    return found;
  } catch (error) {
    if (error === NO_DISASSEMBLER) return null;
    throw error;
  }
}

/** Has the loader said this already? Members of the place that only one of them gives do not count. */
function saysTheSame(rule: LintRule, said: Finding, where: Place): boolean {
  if (rule.saidBy?.includes(said.rule) !== true) return false;
  return (['section', 'offset', 'symbol'] as const).every(
    (member) => said.where[member] === undefined || where[member] === undefined || said.where[member] === where[member],
  );
}

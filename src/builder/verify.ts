import { assert, equalBytes, type Finding } from '../base/index.ts';
import { isRuleId, type RuleId } from '../catalogue/index.ts';
import { about } from '../diff/index.ts';
import type { CheckedPayload, DocumentFinding, RehearsalReport } from '../documents/index.ts';
import { isProblem } from '../elf/index.ts';
import { RULES } from '../lint/index.ts';
import { type PayloadInput, readPayload } from '../payload/index.ts';
import { checkSlice, type LintCheckOptions, rehearseOn, type Simulation, simulatedStage } from '../run/index.ts';
import { parseBuildId } from '../xen/index.ts';
import { findingText, refusedText } from './verify-text.ts';

/** Options of {@link verifyPayload}. */
export interface VerifyOptions extends LintCheckOptions {}

/** Result of a payload on the simulated host, and of lint. */
export interface Verification {
  /** Empty if Xen loads, applies and reverts it, and lint reports no error. */
  readonly refusals: readonly Finding[];
  readonly remarks: readonly Finding[];
}

/** Findings about this machine, not the payload: no reason to refuse it. */
const ABOUT_US = new Set(['hook-not-run']);

/** Findings of simulator and lint, each once, as refusals and remarks. */
class Findings {
  readonly refusals: Finding[] = [];
  readonly remarks: Finding[] = [];
  readonly #seen = new Set<string>();
  readonly #object: string;

  constructor(object: string) {
    this.#object = object;
  }

  /** @param words turns what is wrong into the message of a refusal. */
  add(found: DocumentFinding, words: (text: string) => string = (text) => text): void {
    const { rule, severity, where } = found;
    assert(isRuleId(rule), 'each finding is in the catalogue');
    const text = findingText(found);
    if (this.#seen.has(`${rule} ${text}`)) return;
    this.#seen.add(`${rule} ${text}`);
    const symbol = where.symbol ?? null;
    if (severity === 'error' && !ABOUT_US.has(rule)) this.refuse(rule, words(text), symbol);
    else
      this.remarks.push({
        ...about(rule, this.#object, symbol, text),
        severity: severity === 'error' ? 'note' : severity,
      });
  }

  refuse(rule: RuleId, message: string, symbol: string | null = null): void {
    this.refusals.push({ ...about(rule, this.#object, symbol, message), severity: 'error' });
  }
}

/**
 * Verifies a linked payload with Xen's own checks, lint, and a rehearsal of its whole life. Xen's refusals, lint errors and failures
 * of the rehearsal are refusals; warnings and notes are remarks.
 *
 * A payload that depends on another payload is applied without it (NODEPS), with a remark.
 */
export async function verifyPayload(
  simulation: Simulation,
  payload: PayloadInput,
  options: VerifyOptions,
): Promise<Verification> {
  const found = new Findings(payload.file);
  const slice = await checkSlice(simulation, [payload], options);
  const [checked] = await slice.withCode();
  if (checked !== undefined) addChecked(found, checked);
  // The rehearsal would only repeat the refusal.
  if (found.refusals.length === 0) {
    const nodeps = options.nodeps === true || !standsOnXen(payload, simulation);
    const stage = simulatedStage(simulation);
    addRehearsed(found, await rehearseOn(stage, [payload], { ...options, nodeps }));
  }
  return { refusals: found.refusals, remarks: found.remarks };
}

function addChecked(found: Findings, checked: CheckedPayload): void {
  const { verdict, findings } = checked;
  for (const finding of findings) {
    const ours = RULES.some(({ id }) => id === finding.rule);
    const refused = verdict === 'refused' && !ours;
    found.add(finding, refused ? (text) => refusedText(text, checked) : undefined);
  }
  if (verdict !== 'accepted' && found.refusals.length === 0) {
    found.refuse(verdict, refusedText('it says nothing more', checked));
  }
}

function addRehearsed(found: Findings, { verdict, steps, findings, panic }: RehearsalReport): void {
  const culprit = steps.find(({ passed }) => !passed);
  const step = culprit === undefined ? '' : `${culprit.step}: `;
  for (const finding of findings) found.add(finding, (text) => `the rehearsal fails at ${step}${text}`);
  const unproven = findings.some(({ rule }) => ABOUT_US.has(rule));
  if (verdict === 'passed' || unproven || found.refusals.length > 0) return;
  const why = panic?.message ?? culprit?.errno ?? culprit?.note ?? verdict;
  const line = culprit?.console.at(-1);
  found.refuse(
    'rehearsal-fails',
    `the rehearsal fails at ${step}${why}${line === undefined ? '' : `; Xen prints "${line}"`}`,
  );
}

/** Does the payload depend only on the hypervisor? Xen refuses an unreadable one anyway. */
function standsOnXen({ bytes }: PayloadInput, { image }: Simulation): boolean {
  const file = readPayload(bytes);
  const section = isProblem(file) ? undefined : file.identity.depends?.section;
  const depends = section === undefined ? undefined : parseBuildId(section.data());
  return depends?.ok !== true || (image.buildId !== null && equalBytes(depends.id, image.buildId));
}

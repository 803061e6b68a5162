import { equalBytes } from '../base/index.ts';
import { CATALOGUE, isRuleId } from '../catalogue/index.ts';
import type { CheckedPayload, DocumentFinding, Refusal, RehearsalReport, Remark } from '../documents/index.ts';
import { isProblem } from '../elf/index.ts';
import { RULES } from '../lint/index.ts';
import { type PayloadInput, readPayload } from '../payload/index.ts';
import { checkSliceOn, type LintCheckOptions, rehearseOn, type Simulation, simulatedStage } from '../run/index.ts';
import { parseBuildId } from '../xen/index.ts';
import { findingText, refusedText } from './verify-text.ts';

/** Options of {@link verifyPayload}. */
export interface VerifyOptions extends LintCheckOptions {}

/** Result of a payload on the simulated host, and of lint. */
export interface Verification {
  /** Empty if Xen loads, applies and reverts it, and lint reports no error. */
  readonly refusals: readonly Refusal[];
  readonly remarks: readonly Remark[];
}

/** Findings about this machine, not the payload: no reason to refuse it. */
const ABOUT_US = new Set(['hook-not-run']);

/** Findings of simulator and lint, each once, as refusals and remarks. */
class Findings {
  readonly refusals: Refusal[] = [];
  readonly remarks: Remark[] = [];
  readonly #seen = new Set<string>();
  readonly #object: string;

  constructor(object: string) {
    this.#object = object;
  }

  /** @param words turns a fault into the reason of a refusal. */
  add(finding: DocumentFinding, words: (text: string) => string = (text) => text): void {
    const { rule, severity, where } = finding;
    const text = findingText(finding);
    if (this.#seen.has(`${rule} ${text}`)) return;
    this.#seen.add(`${rule} ${text}`);
    const symbol = where.symbol ?? null;
    if (severity === 'error' && !ABOUT_US.has(rule))
      this.refuse(words(text), symbol, isRuleId(rule) ? CATALOGUE[rule].advice : null);
    else this.remarks.push({ text: `${text} [${rule}]`, symbol, object: this.#object });
  }

  refuse(reason: string, symbol: string | null, advice: string | null): void {
    this.refusals.push({ reason, symbol, object: this.#object, advice });
  }
}

/**
 * Verifies a linked payload with Xen's own checks, lint, and a rehearsal of its whole life. Xen's refusals, lint errors and failures
 * of the
 * rehearsal are refusals; warnings and notes are remarks.
 *
 * A payload that depends on another payload is applied without it (NODEPS), with a remark.
 */
export async function verifyPayload(
  simulation: Simulation,
  payload: PayloadInput,
  options: VerifyOptions,
): Promise<Verification> {
  const found = new Findings(payload.file);
  const slice = await checkSliceOn(simulation, [payload], options);
  const [checked] = await slice.withCode();
  if (checked !== undefined) addChecked(found, checked);
  // The rehearsal would only repeat the refusal.
  if (found.refusals.length === 0) {
    const nodeps = options.nodeps === true || !standsOnXen(payload, simulation);
    const stage = simulatedStage(simulation, simulation.boot());
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
    found.refuse(refusedText('it says nothing more', checked), null, null);
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
  found.refuse(`the rehearsal fails at ${step}${why}${line === undefined ? '' : `; Xen prints "${line}"`}`, null, null);
}

/** Does the payload depend only on the hypervisor? Xen refuses an unreadable one anyway. */
function standsOnXen({ bytes }: PayloadInput, { image }: Simulation): boolean {
  const file = readPayload(bytes);
  const section = isProblem(file) ? undefined : file.identity.depends?.section;
  const depends = section === undefined ? undefined : parseBuildId(section.data());
  return depends?.ok !== true || (image.buildId !== null && equalBytes(depends.id, image.buildId));
}

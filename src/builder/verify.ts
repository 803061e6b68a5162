import { equalBytes } from '../base/index.ts';
import { CATALOGUE, isRuleId } from '../catalogue/index.ts';
import type { CheckedPayload, DocumentFinding, Refusal, RehearsalReport, Remark } from '../documents/index.ts';
import { isProblem } from '../elf/index.ts';
import { RULES } from '../lint/index.ts';
import { type PayloadInput, readPayload } from '../payload/index.ts';
import { checkSliceOn, type LintCheckOptions, rehearseOn, type Simulation, simulatedStage } from '../run/index.ts';
import { parseBuildId } from '../xen/index.ts';
import { findingText, refusedText } from './verify-text.ts';

/** What a payload is verified with. */
export interface VerifyOptions extends LintCheckOptions {}

/** What became of a payload on the simulated host, and what lint says of it. */
export interface Verification {
  /** Empty: Xen takes it, applies and reverts it, and lint calls nothing an error. */
  readonly refusals: readonly Refusal[];
  readonly remarks: readonly Remark[];
}

/** Findings that are about this machine rather than about the payload: no reason not to build it. */
const ABOUT_US = new Set(['hook-not-run']);

/** What the simulator and lint found, each once, as refusals and remarks. */
class Findings {
  readonly refusals: Refusal[] = [];
  readonly remarks: Remark[] = [];
  readonly #seen = new Set<string>();
  readonly #object: string;

  constructor(object: string) {
    this.#object = object;
  }

  /** @param words turns what is wrong into the reason of a refusal. */
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
 * Takes a linked payload to a host: Xen's own checks, lint, and the rehearsal of its whole life. What Xen would refuse, what lint calls an
 * error and what does not go through the rehearsal is a refusal; warnings and notes are remarks.
 *
 * A payload that depends on another one than the hypervisor is taken without it (NODEPS), and a remark says so.
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
  // What the check refused would only be refused once more.
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

/** Does the payload depend on the hypervisor alone? One that cannot be read is refused by Xen anyway. */
function standsOnXen({ bytes }: PayloadInput, { image }: Simulation): boolean {
  const file = readPayload(bytes);
  const section = isProblem(file) ? undefined : file.identity.depends?.section;
  const depends = section === undefined ? undefined : parseBuildId(section.data());
  return depends?.ok !== true || (image.buildId !== null && equalBytes(depends.id, image.buildId));
}

import { equalBytes, type Finding, finding, fromHex, hex } from '../base/index.ts';
import type { CheckedPayload, CheckReport, CheckVerdict } from '../documents/index.ts';
import { documentFinding } from '../documents/index.ts';
import { isProblem } from '../elf/index.ts';
import type { HookCall } from '../hypervisor/index.ts';
import type { PayloadInput } from '../payload/index.ts';
import { readPayload } from '../payload/index.ts';
import { errnoName, LIVEPATCH_ACTION_APPLY_NODEPS } from '../xen/index.ts';
import type { SimulationOptions } from './options.ts';
import { simulatedStage } from './simulated-stage.ts';
import { openSimulation, type Simulation } from './simulation.ts';
import type { Stage } from './stage.ts';
import { hostEnded, type Step } from './step.ts';
import { takeStep } from './take-step.ts';
import { rememberFunctions } from './verify-stage.ts';

/**
 * Checks whether a hypervisor takes payloads, and survives them: each is uploaded, applied and reverted on a host of its own, on top of those
 * of the other payloads that it depends on. Throws an XspliceError: EIMAGE for a bad image, EUSAGE for options that make no sense.
 *
 * @public
 */
export async function checkPayloads(
  image: Uint8Array,
  payloads: readonly PayloadInput[],
  options: SimulationOptions,
): Promise<CheckReport> {
  const checked = await checkOn(openSimulation(image, options), payloads, options);
  return { format: 'xsplice-check/1', payloads: checked.map(({ document }) => document) };
}

/** The document of a payload, and the findings in it before they become text. */
export interface Checked {
  readonly document: CheckedPayload;
  readonly findings: readonly Finding[];
}

/**
 * Checks payloads as {@link checkPayloads} does, on a simulation that is open already.
 *
 * @param wanted the payloads to check; the others are there to depend on.
 */
export async function checkOn(
  simulation: Simulation,
  payloads: readonly PayloadInput[],
  { progress }: Pick<SimulationOptions, 'progress'>,
  wanted: readonly PayloadInput[] = payloads,
): Promise<Checked[]> {
  const checked: Checked[] = [];
  for (const payload of wanted) {
    progress?.(`check ${payload.name}`);
    checked.push(await checkPayload(simulation, payload, payloads));
  }
  return checked;
}

async function checkPayload(
  simulation: Simulation,
  payload: PayloadInput,
  all: readonly PayloadInput[],
): Promise<Checked> {
  const { file } = payload;
  const stage = simulatedStage(simulation);
  const { below, missing } = dependencies(simulation, payload, all);
  const findings = simulation.assumed.map((message) => finding('assumed', { message, where: {} }));
  const document = (verdict: CheckVerdict, rc: number | null, console: readonly string[]): Checked => ({
    document: {
      file,
      verdict,
      errno: rc === null ? null : errnoName(rc),
      console,
      findings: findings.map(documentFinding),
    },
    findings,
  });

  for (const { name, bytes } of below) {
    for (const step of [
      { verb: 'upload', name, payload: bytes },
      { verb: 'apply', name },
    ] as const) {
      const outcome = await takeStep(stage, step);
      if (!hostEnded(outcome)) continue;
      const message = 'a payload that this one depends on does not survive: check that one first';
      findings.push(finding('dependency-fails', { message, where: { file } }));
      return document('refused', null, outcome.kind === 'died' ? outcome.panic.screen : []);
    }
  }
  // Lines of the boot belong to no step.
  await stage.target.takeConsole();
  const { rc, console, findings: found } = await rehearseBriefly(stage, payload, missing !== null);
  const unsafe = found.some(({ rule }) => UNSAFE.has(rule) || (rc === null && UNSAFE_IF_LOADED.has(rule)));
  const verdict = unsafe ? 'unsafe' : rc === null ? 'accepted' : 'refused';
  for (const each of found) findings.push({ ...each, where: { file, ...each.where } });
  if (missing !== null && verdict !== 'refused') {
    const message = `depends on ${missing}, which is neither the hypervisor nor among the files given: applied here without it`;
    findings.push(finding('depends-not-given', { message, where: { file } }));
  }
  return document(verdict, rc, console);
}

/** Findings after which no host is safe, whatever Xen answers. */
const UNSAFE = new Set(['host-panic', 'wild-read', 'stray-write', 'verify', 'cet-patching']);

/** Findings that matter only if Xen keeps the payload. */
const UNSAFE_IF_LOADED = new Set(['use-after-free']);

/** The shortest life of a payload. Its verifications compare only the payload's own functions, which keeps a check fast. */
const briefRehearsal = ({ name, bytes }: PayloadInput, flags: number): readonly Step[] => [
  { verb: 'upload', name, payload: bytes },
  { verb: 'apply', name, flags },
  { verb: 'verify', name },
  { verb: 'revert', name, flags },
  { verb: 'verify', name },
];

/** The result of {@link briefRehearsal}. `rc` is the negated errno of the refusal; `null` if there was none. */
interface BriefResult {
  readonly rc: number | null;
  readonly console: readonly string[];
  readonly findings: readonly Finding[];
}

/** Takes the steps up to the first refusal or the end of the host, and goes on after a failed verification. */
async function rehearseBriefly(stage: Stage, payload: PayloadInput, nodeps: boolean): Promise<BriefResult> {
  const { name } = payload;
  const console: string[] = [];
  const findings: Finding[] = [];
  for (const step of briefRehearsal(payload, nodeps ? LIVEPATCH_ACTION_APPLY_NODEPS : 0)) {
    const outcome = await takeStep(stage, step);
    console.push(...outcome.console);
    findings.push(...outcome.findings);
    if (outcome.kind === 'died') console.push(...outcome.panic.screen);
    if (outcome.kind === 'stopped-at-hook') findings.push(hookNotRun(outcome.hook));
    if (hostEnded(outcome)) break;
    if (outcome.kind === 'answered' && outcome.result !== 0) return { rc: outcome.result, console, findings };
    if (outcome.kind === 'differs') {
      for (const message of outcome.problems) findings.push(finding('verify', { message, where: {} }));
    }
    if (step.verb === 'upload') {
      await rememberFunctions(stage, name, (await stage.describe(name))?.functions ?? []);
    }
  }
  return { rc: null, console, findings };
}

function hookNotRun({ kind, symbol, address, missing: { message: why, hint } }: HookCall): Finding {
  const because = hint === undefined ? why : `${why}. ${hint}`;
  const message = `the ${kind} hook is not run, so that neither it nor what follows is checked: ${because}`;
  return finding('hook-not-run', { message, where: { ...(symbol !== null && { symbol }), address } });
}

/** Returns the payloads to apply first, in order, and the build-id of a dependency that is not among the files given. */
function dependencies(
  simulation: Simulation,
  payload: PayloadInput,
  all: readonly PayloadInput[],
): { below: PayloadInput[]; missing: string | null } {
  const below: PayloadInput[] = [];
  for (let at: PayloadInput = payload; ; ) {
    const file = readPayload(at.bytes);
    const depends = isProblem(file) ? undefined : file.identity.depends?.id;
    const wanted = depends === undefined ? undefined : fromHex(depends);
    if (wanted === undefined) return { below, missing: null };
    if (simulation.image.buildId !== null && equalBytes(wanted, simulation.image.buildId))
      return { below, missing: null };
    const next = all.find((other) => other !== payload && !below.includes(other) && hasBuildId(other, hex(wanted)));
    if (next === undefined) return { below, missing: depends ?? null };
    below.unshift(next);
    at = next;
  }
}

/** Build-ids that were read before: each payload is compared with all others, on every hypervisor. */
const buildIds = new WeakMap<PayloadInput, string | null>();

function hasBuildId(payload: PayloadInput, id: string): boolean {
  let known = buildIds.get(payload);
  if (known === undefined) {
    const file = readPayload(payload.bytes);
    known = isProblem(file) ? null : (file.identity.buildId?.id ?? null);
    buildIds.set(payload, known);
  }
  return known === id;
}

import { addOffset, type Finding, finding, hex, hexAddress } from '../base/index.ts';
import type {
  CacheRange,
  PayloadPlacement,
  RehearsalFunction,
  RehearsalReport,
  RehearsalStep,
  RehearsalVerdict,
} from '../documents/index.ts';
import { documentFinding, type ReportedCall, reportedCall } from '../documents/index.ts';
import type { CacheMaintenance, FunctionDescription, PayloadDescription } from '../hypervisor/index.ts';
import type { PayloadInput } from '../payload/index.ts';
import type { SimulationOptions } from './options.ts';
import { type PlannedCall, unexpected } from './planned-call.ts';
import { type RehearsalOptions, type RehearsedStep, rehearsalSteps } from './rehearsal-steps.ts';
import { runSteps, type TakenStep } from './run-steps.ts';
import { simulatedStage } from './simulated-stage.ts';
import { openSimulation } from './simulation.ts';
import type { Stage } from './stage.ts';
import { hostEnded } from './step.ts';
import { noteOf, panicDocument, stepDocument } from './step-document.ts';
import { writtenText } from './text-at.ts';
import { LONGEST_PATCH } from './verify.ts';
import { rememberFunctions, takeBaseline } from './verify-stage.ts';

/** Rehearses payloads on a freshly booted simulated host. */
export async function rehearsePayloads(
  image: Uint8Array,
  payloads: readonly PayloadInput[],
  options: SimulationOptions,
): Promise<RehearsalReport> {
  const simulation = openSimulation(image, options);
  return rehearseOn(simulatedStage(simulation), payloads, options);
}

/**
 * Takes payloads through their whole life on a stage, up to the first step that does not go as it should: see {@link rehearsalSteps}. Throws an
 * XspliceError as {@link takeStep} does.
 */
export async function rehearseOn(
  stage: Stage,
  payloads: readonly PayloadInput[],
  options: RehearsalOptions,
): Promise<RehearsalReport> {
  const report = new Report(stage, payloads);
  await takeBaseline(stage);
  const changedData = stage.watchData();
  const steps = rehearsalSteps(payloads, options, () => report.reappliable());
  const progress = ({ step, name }: RehearsedStep): void => {
    if (step.verb !== 'verify') options.progress?.(`${step.verb} ${name}`);
  };
  for await (const taken of runSteps(stage, steps, progress)) {
    if (taken.expected.step.verb === 'verify' && !stage.history.loaded) report.addChangedData(changedData(), taken);
    if (!(await report.add(taken))) break;
  }
  return report.document();
}

type Taken = TakenStep<RehearsedStep>;

/** Builds the document of a rehearsal. */
class Report {
  readonly #stage: Stage;
  readonly #payloads: readonly PayloadInput[];
  readonly #steps: RehearsalStep[] = [];
  readonly #findings: Finding[] = [];
  readonly #calls: ReportedCall[] = [];
  readonly #functions = new Map<string, RehearsalFunction[]>();
  #verdict: RehearsalVerdict = 'passed';
  #panic: RehearsalReport['panic'] = null;

  constructor(stage: Stage, payloads: readonly PayloadInput[]) {
    this.#stage = stage;
    this.#payloads = payloads;
    for (const message of stage.assumed) {
      this.#findings.push(finding('assumed', { message, where: {} }));
    }
  }

  document(): RehearsalReport {
    return {
      format: 'xsplice-rehearsal/2',
      xen: this.#stage.identity,
      verdict: this.#verdict,
      steps: this.#steps,
      functions: this.#payloads.flatMap(({ name }) => this.#functions.get(name) ?? []),
      calls: this.#calls,
      panic: this.#panic,
      findings: this.#findings.map(documentFinding),
    };
  }

  /** Returns whether Xen applies all payloads again, and adds a note for each that it does not. */
  async reappliable(): Promise<boolean> {
    let all = true;
    for (const { name } of this.#payloads) {
      if ((await this.#stage.describe(name))?.safeToReapply !== false) continue;
      const message = 'has writable data: after a revert Xen does not apply it again until it is unloaded and uploaded';
      this.#add(finding('not-reappliable', { severity: 'note', message, where: {} }), name);
      all = false;
    }
    return all;
  }

  addChangedData(symbols: readonly string[], { expected }: Taken): void {
    if (symbols.length === 0) return;
    const message = `hooks or calls have changed the hypervisor's data for good: ${symbols.join(', ')}`;
    this.#add(finding('data-changed', { message, where: {} }), expected.name);
  }

  /** Adds a step. Returns whether it passed. */
  async add(taken: Taken): Promise<boolean> {
    const { expected, outcome } = taken;
    const { step, name } = expected;
    for (const each of outcome.findings) this.#add(each, name);
    const problem = this.#problem(taken);
    if (problem !== null) this.#verdict = problem.verdict;
    const described = step.verb === 'call' || hostEnded(outcome) ? null : await this.#stage.describe(name);
    const cacheMaintenance = outcome.cacheMaintenance.map(cacheRange);
    this.#steps.push({
      step: step.verb,
      name,
      passed: problem === null,
      ...stepDocument(outcome),
      state: step.verb === 'call' || hostEnded(outcome) ? null : this.#stage.history.stateOf(name),
      payload: placement(described),
      ...(cacheMaintenance.length > 0 && { cacheMaintenance }),
      ...(problem?.note !== undefined && { note: problem.note }),
    });
    if (described === null) return problem === null;
    if (step.verb === 'upload') await rememberFunctions(this.#stage, name, described.functions);
    if (step.verb === 'upload' || step.verb === 'verify') await this.#noteFunctions(name, described.functions);
    return problem === null;
  }

  /** Returns the problem of a step that did not pass, and adds findings, calls and the panic to the document. */
  #problem({ expected, phase, outcome, mismatches }: Taken): Problem | null {
    const { name, call } = expected;
    switch (outcome.kind) {
      case 'died':
        this.#panic = panicDocument(outcome.panic);
        if (call !== null && outcome.call !== null) {
          this.#calls.push(reportedCall(name, phase, outcome.call, null));
        }
        return { verdict: 'panicked' };
      case 'stopped-at-hook': {
        const note = noteOf(outcome) ?? '';
        const { hint } = outcome.hook.missing;
        const message = hint === undefined ? note : `${note}. ${hint}`;
        this.#add(finding('hook-not-run', { severity: 'error', message, where: {} }), name);
        return { verdict: 'failed', note };
      }
      case 'differs':
        for (const message of outcome.problems) this.#add(finding('verify', { message, where: {} }), name);
        return { verdict: 'failed', note: outcome.problems.join('; ') };
      case 'called': {
        if (call === null) return null;
        const { result, text } = outcome.call;
        const string = expectsText(call) ? text : writtenText(text);
        this.#calls.push(reportedCall(name, phase, result, string));
        // Only the patched function has to return what is expected.
        const note = phase === 'applied' ? unexpected(call, result, string) : null;
        if (note === null) return null;
        this.#findings.push(finding('call-result', { message: `${name}: ${note}`, where: {} }));
        return { verdict: 'failed', note };
      }
      case 'answered': {
        if (outcome.result !== 0) return { verdict: 'refused' };
        const [mismatch] = mismatches;
        if (mismatch === undefined) return null;
        return {
          verdict: 'failed',
          note: `the payload is ${mismatch.came === 'none' ? 'not loaded' : mismatch.came}, it should be ${mismatch.expected}`,
        };
      }
      default:
        return null;
    }
  }

  /** Records the functions of a payload. A reverted function keeps the row from when it was applied. */
  async #noteFunctions(name: string, functions: readonly FunctionDescription[]): Promise<void> {
    const before = this.#stage.history.before.get(name) ?? [];
    const known = this.#functions.get(name);
    const rows: RehearsalFunction[] = [];
    for (const [i, func] of functions.entries()) {
      const row = func.applied ? undefined : known?.[i];
      rows.push(row ?? (await this.#row(func, before[i] ?? null)));
    }
    this.#functions.set(name, rows);
  }

  async #row(func: FunctionDescription, before: Uint8Array | null): Promise<RehearsalFunction> {
    const { name, oldAddr, oldSize, newAddr, newSize, patchOffset, applied } = func;
    const length = Math.min(func.length, LONGEST_PATCH);
    const old = hex(before?.subarray(patchOffset, patchOffset + length) ?? new Uint8Array(0));
    const now = applied ? await this.#stage.target.peek(addOffset(oldAddr, patchOffset), length) : null;
    return {
      name: name ?? '',
      oldAddr: hexAddress(oldAddr),
      oldSize,
      newAddr: hexAddress(newAddr),
      newSize,
      patchOffset,
      before: old,
      after: now === null ? old : hex(now),
    };
  }

  /** Adds a finding about a payload. */
  #add(found: Finding, name: string): void {
    const file = this.#payloads.find((payload) => payload.name === name)?.file;
    this.#findings.push({ ...found, where: { ...(file !== undefined && { file }), ...found.where } });
  }
}

/** Why a rehearsal ends, with an explanation if the hypervisor gives none. */
interface Problem {
  readonly verdict: RehearsalVerdict;
  readonly note?: string;
}

const expectsText = ({ expected }: PlannedCall): boolean => expected !== null && 'string' in expected;

const cacheRange = (piece: CacheMaintenance): CacheRange =>
  piece.kind === 'invalidate-icache'
    ? { kind: piece.kind }
    : { kind: piece.kind, address: hexAddress(piece.address), length: piece.length };

const placement = (described: PayloadDescription | null): PayloadPlacement | null =>
  described === null
    ? null
    : {
        text: hexAddress(described.text),
        rw: hexAddress(described.rw),
        ro: hexAddress(described.ro),
        pages: described.pages,
      };

import { type Finding, finding, XspliceError } from '../../base/index.ts';
import type { ScenarioListEntry, ScenarioRun, ScenarioStep, ScenarioSurprise } from '../../documents/index.ts';
import { documentFinding, type ReportedCall, reportedCall } from '../../documents/index.ts';
import { buildIdOf, fitPayload } from '../../synth/index.ts';
import { LIVEPATCH_ACTION_APPLY_NODEPS, LIVEPATCH_STATE_NAMES, type ListEntry } from '../../xen/index.ts';
import type { ExpectedStep } from '../expectation.ts';
import { runSteps, type TakenStep } from '../run-steps.ts';
import type { Stage } from '../stage.ts';
import type { Step } from '../step.ts';
import { noteOf, panicDocument, stateAfter, stepDocument } from '../step-document.ts';
import { writtenText } from '../text-at.ts';
import { takeBaseline } from '../verify-stage.ts';
import type { ScriptFiles } from './files.ts';
import { placeText } from './node.ts';
import { atPlace } from './scope.ts';
import type { PayloadSource, ScenarioCell, ScriptStep } from './types.ts';

export interface RunScenarioOptions {
  readonly files: Pick<ScriptFiles, 'readBytes'>;
  /** Takes all steps even where one does not go as expected: for comparing two hosts. */
  readonly toTheEnd?: boolean;
  /** Called before each step. */
  readonly progress?: (doing: string) => void;
}

/** Returns the document of a run that the environment did not let begin. */
export const scenarioError = (
  { file, title, cell, steps }: ScenarioCell,
  { code, message, hint }: XspliceError,
): ScenarioRun => ({
  file,
  title,
  cell,
  xen: null,
  verdict: 'error',
  steps: [],
  left: steps.map(({ text }) => text),
  calls: [],
  surprise: null,
  error: { code, message, hint: hint ?? null },
  findings: [],
});

/**
 * Takes a scenario's steps on a fresh stage, up to the first that does not go as expected. Never rejects with an XspliceError: failures of the
 * environment are in the document.
 */
export async function runScenario(cell: ScenarioCell, stage: Stage, options: RunScenarioOptions): Promise<ScenarioRun> {
  const run = new Run(cell, stage, options);
  try {
    await run.go();
    return run.result(null);
  } catch (error) {
    if (error instanceof XspliceError) return run.result(error);
    throw error;
  }
}

/** A step that can be taken, with its payload's bytes. */
type ResolvedStep = ExpectedStep & Pick<ScriptStep, 'place' | 'text'>;

class Run {
  readonly #cell: ScenarioCell;
  readonly #stage: Stage;
  readonly #options: RunScenarioOptions;
  readonly #steps: ScenarioStep[] = [];
  readonly #calls: ReportedCall[] = [];
  readonly #findings: Finding[] = [];
  #surprise: ScenarioSurprise | null = null;

  constructor(cell: ScenarioCell, stage: Stage, options: RunScenarioOptions) {
    this.#cell = cell;
    this.#stage = stage;
    this.#options = options;
    for (const message of stage.assumed) {
      this.#findings.push(finding('assumed', { message, where: {} }));
    }
  }

  async go(): Promise<void> {
    const stage = this.#stage;
    const { steps, title } = this.#cell;
    if (steps.some(({ step }) => step.verb === 'verify')) await takeBaseline(stage);
    // Lines of the boot belong to no step.
    await stage.target.takeConsole();
    const progress = ({ text }: ResolvedStep): void => this.#options.progress?.(`${title}: ${text}`);
    for await (const taken of runSteps(stage, this.#resolved(steps), progress)) {
      this.#add(taken);
      if (this.#surprise !== null && this.#options.toTheEnd !== true) return;
    }
  }

  result(error: XspliceError | null): ScenarioRun {
    const { file, title, cell, steps } = this.#cell;
    return {
      file,
      title,
      cell,
      xen: this.#stage.identity,
      verdict: error !== null ? 'error' : this.#surprise === null ? 'passed' : 'failed',
      steps: this.#steps,
      left: steps.slice(this.#steps.length).map(({ text }) => text),
      calls: this.#calls,
      surprise: this.#surprise,
      error: error === null ? null : { code: error.code, message: error.message, hint: error.hint ?? null },
      findings: this.#findings.map(documentFinding),
    };
  }

  #add({ expected, outcome, phase, mismatches }: TakenStep<ResolvedStep>): void {
    const { step, expect } = expected;
    const place = placeText(expected.place);
    const note = noteOf(outcome);
    let call: number | null = null;
    if (outcome.kind === 'called' && step.verb === 'call') {
      const { result, text } = outcome.call;
      const shown = expect.returns?.string === undefined ? writtenText(text) : text;
      call = this.#calls.push(reportedCall(step.function, phase, result, shown)) - 1;
    }
    this.#steps.push({
      step: step.verb,
      name: 'name' in step ? (step.name ?? null) : step.verb === 'call' ? step.function : null,
      place,
      passed: mismatches.length === 0,
      ...stepDocument(outcome),
      state: stateAfter(outcome),
      status: outcome.kind === 'answered' ? (outcome.status?.rc ?? null) : null,
      list: outcome.kind === 'listed' ? outcome.list.entries.map(listEntry) : null,
      call,
      panic: outcome.kind === 'died' ? panicDocument(outcome.panic) : null,
      ...(note !== null && { note }),
    });
    if (mismatches.length === 0 || this.#surprise !== null) return;
    this.#surprise = { step: this.#steps.length, place, fields: mismatches };
    this.#findings.push(...outcome.findings);
  }

  async *#resolved(steps: readonly ScriptStep[]): AsyncGenerator<ResolvedStep, void> {
    for (const step of steps) yield { ...step, step: await this.#resolve(step) };
  }

  /** Returns the step with its payload's bytes, and with the scenario's settings where the step has none of its own. */
  async #resolve({ step, place }: ScriptStep): Promise<Step> {
    switch (step.verb) {
      case 'upload':
        return { ...step, payload: await this.#payload(step.payload) };
      case 'apply':
      case 'revert':
      case 'replace':
      case 'unload': {
        const { timeout = 0, nodeps = false } = this.#cell.settings;
        return { timeout, flags: nodeps ? LIVEPATCH_ACTION_APPLY_NODEPS : 0, ...step };
      }
      case 'call':
        if (this.#stage.call !== null) return step;
        throw new XspliceError(
          'ETOOL',
          `${placeText(place)}: functions cannot be called on this host`,
          'leave the call out, or run the scenario where functions can be called',
        );
      default:
        return step;
    }
  }

  /** Reads a payload, and fits it to the host where that is wanted. Rejects with an XspliceError (EFILE) for a file that cannot be read. */
  async #payload(source: PayloadSource): Promise<Uint8Array> {
    const { files } = this.#options;
    const bytes = await atPlace(source.place, () => files.readBytes(source.path, 'payload'));
    if (!source.fit) return bytes;
    const { image, release } = this.#stage;
    if (source.depends === null) return fitPayload(bytes, { image, release });
    const depends = buildIdOf(await this.#payload(source.depends));
    if (depends.length === 0) {
      const place = placeText(source.depends.place);
      throw new XspliceError('EFILE', `${place}: has no build-id, so nothing can go on top of it`);
    }
    return fitPayload(bytes, { image, release, depends });
  }
}

const listEntry = ({ name, state, rc }: ListEntry): ScenarioListEntry => ({
  name,
  state: LIVEPATCH_STATE_NAMES.get(state) ?? null,
  rc,
});

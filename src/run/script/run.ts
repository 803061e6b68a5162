import { type Finding, hexAddress, XspliceError } from '../../base/index.ts';
import type { ScenarioRun, ScenarioStep, ScenarioSurprise } from '../../documents/index.ts';
import { documentFinding, type ReportedCall, reportedCall } from '../../documents/index.ts';
import type { Image } from '../../hypervisor/index.ts';
import { buildIdOf, fitPayload } from '../../synth/index.ts';
import { errnoName, type Release } from '../../xen/index.ts';
import type { Stage } from '../stage.ts';
import { liveText, verifyLive } from '../verify-live.ts';
import { AppliedStack, type Came } from './came.ts';
import { checkStep } from './check-step.ts';
import type { ScriptFiles } from './files.ts';
import { placeText } from './node.ts';
import { performAction } from './perform.ts';
import { atPlace } from './scope.ts';
import type { PayloadSource, ScenarioCell, ScriptStep } from './types.ts';

/** A host that was just booted, and what it was booted from. */
export interface ScenarioHost {
  readonly stage: Stage;
  readonly image: Image;
  readonly release: Release;
}

export interface RunScenarioOptions {
  readonly files: Pick<ScriptFiles, 'readBytes'>;
  /** Goes on to the end, whatever is expected: for comparing two hosts. */
  readonly heedless?: boolean;
  /** Told before each step. */
  readonly progress?: (doing: string) => void;
}

/** The verdict `error` of a run, of what the environment did to it. */
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
 * Takes a scenario's steps on a host, to the first that goes another way than expected. What the environment does to it is in the result, too:
 * never rejects with an XspliceError.
 */
export async function runScenario(
  cell: ScenarioCell,
  host: ScenarioHost,
  options: RunScenarioOptions,
): Promise<ScenarioRun> {
  const run = new Run(cell, host, options);
  try {
    await run.go();
    return run.result(null);
  } catch (error) {
    if (error instanceof XspliceError) return run.result(error);
    throw error;
  }
}

class Run {
  readonly #cell: ScenarioCell;
  readonly #host: ScenarioHost;
  readonly #options: RunScenarioOptions;
  readonly #applied = new AppliedStack();
  readonly #steps: ScenarioStep[] = [];
  readonly #calls: ReportedCall[] = [];
  readonly #findings: Finding[] = [];
  #pristine: { readonly text: Uint8Array | null; readonly digest: string | undefined } | null = null;
  #surprise: ScenarioSurprise | null = null;

  constructor(cell: ScenarioCell, host: ScenarioHost, options: RunScenarioOptions) {
    this.#cell = cell;
    this.#host = host;
    this.#options = options;
    for (const message of host.stage.assumed) {
      this.#findings.push({ rule: 'assumed', severity: 'note', message, where: {} });
    }
  }

  async go(): Promise<void> {
    const { stage } = this.#host;
    const { steps, title } = this.#cell;
    if (steps.some(({ action }) => action.verb === 'verify')) {
      this.#pristine = { text: await liveText(stage), digest: stage.digest() };
    }
    // What was printed while it booted.
    await stage.target.takeConsole();
    for (const [index, step] of steps.entries()) {
      this.#options.progress?.(`${title}: ${step.text}`);
      const came = await performAction(step.action, step.place, {
        stage,
        settings: this.#cell.settings,
        payload: (source) => this.#payload(source),
        verify: () => this.#verify(),
      });
      const findings = stage.takeFindings();
      const fields = checkStep(step, came);
      this.#book(step, came, fields.length === 0);
      if (fields.length > 0 && this.#surprise === null) {
        this.#surprise = { step: index + 1, place: placeText(step.place), fields };
        this.#findings.push(...findings);
      }
      const over = came.panic !== null || came.hook !== null;
      if (over || (this.#surprise !== null && this.#options.heedless !== true)) return;
    }
  }

  result(error: XspliceError | null): ScenarioRun {
    const { file, title, cell, steps } = this.#cell;
    return {
      file,
      title,
      cell,
      xen: this.#host.stage.identity,
      verdict: error !== null ? 'error' : this.#surprise === null ? 'passed' : 'failed',
      steps: this.#steps,
      left: steps.slice(this.#steps.length).map(({ text }) => text),
      calls: this.#calls,
      surprise: this.#surprise,
      error: error === null ? null : { code: error.code, message: error.message, hint: error.hint ?? null },
      findings: this.#findings.map(documentFinding),
    };
  }

  #book({ action, place }: ScriptStep, came: Came, passed: boolean): void {
    const call = came.call === null ? null : this.#calls.length;
    if (came.call !== null && action.verb === 'call') {
      const { result, string } = came.call;
      this.#calls.push(reportedCall(action.function, this.#applied.when, result, string));
    }
    if ('name' in action) this.#applied.note(action.name, came.state, action.verb === 'replace' && came.rc === 0);
    const { rc, panic, hook, wrong } = came;
    const note = hook ?? (wrong.length > 0 ? wrong.join('; ') : undefined);
    this.#steps.push({
      step: action.verb,
      name: 'name' in action ? action.name : action.verb === 'call' ? action.function : null,
      place: placeText(place),
      passed,
      rc,
      errno: rc === null || action.verb === 'verify' ? null : errnoName(rc),
      state: came.state,
      status: came.status,
      console: came.console,
      list: came.list,
      call,
      panic:
        panic === null
          ? null
          : {
              message: panic.message,
              errorCode: panic.errorCode,
              address: panic.address === null ? null : hexAddress(panic.address),
              screen: panic.screen,
            },
      ...(note !== undefined && { note }),
    });
  }

  async #verify(): Promise<string[]> {
    const { stage } = this.#host;
    const applied = this.#applied.names;
    const wrong = await verifyLive(stage, applied, this.#pristine?.text ?? null);
    // A call leaves its traces in memory.
    if (this.#calls.length > 0 || this.#pristine?.digest === undefined) return wrong;
    const { rc, entries, nr } = await stage.target.list({ idx: 0, nr: 0 });
    if (rc === 0 && entries.length === 0 && nr === 0 && stage.digest() !== this.#pristine.digest) {
      wrong.push('memory, or its mapping, is not what it was before the first step');
    }
    return wrong;
  }

  /** The bytes of a payload. A file that is not there is the environment's fault. */
  async #payload(source: PayloadSource): Promise<Uint8Array> {
    const { files } = this.#options;
    const bytes = await atPlace(source.place, () => files.readBytes(source.path, 'payload'));
    if (!source.fit) return bytes;
    const { image, release } = this.#host;
    if (source.depends === null) return fitPayload(bytes, { image, release });
    const depends = buildIdOf(await this.#payload(source.depends));
    if (depends.length === 0) {
      const place = placeText(source.depends.place);
      throw new XspliceError('EFILE', `${place}: has no build-id, so nothing can go on top of it`);
    }
    return fitPayload(bytes, { image, release, depends });
  }
}

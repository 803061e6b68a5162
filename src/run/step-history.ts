import type { CallTime } from '../documents/index.ts';
import { LIVEPATCH_STATE_NAMES, type PayloadState } from '../xen/index.ts';
import type { Step, StepOutcome } from './step.ts';

/** The hypervisor before the first step, for verifications to compare with. */
export interface Baseline {
  /** All of its text; `null` if some of it is not mapped. */
  readonly text: Uint8Array | null;
  /** See {@link Stage.digest}. */
  readonly digest: string | undefined;
}

/** The state that the steps on a stage have led to. */
export class StepHistory {
  readonly #states = new Map<string, PayloadState>();
  #applied: string[] = [];
  #everApplied = false;
  /** Set by {@link takeBaseline}. */
  baseline: Baseline | null = null;
  /** Bytes at each function of a payload before it was applied; set by {@link rememberFunctions}. */
  readonly before = new Map<string, readonly (Uint8Array | null)[]>();

  /** Names of the applied payloads, the top of the stack last. */
  get applied(): readonly string[] {
    return this.#applied;
  }

  /** Is any payload loaded? */
  get loaded(): boolean {
    return this.#states.size > 0;
  }

  /** The phase in which a call made now takes place. */
  get phase(): CallTime {
    if (this.#applied.length > 0) return 'applied';
    return this.#everApplied ? 'reverted' : 'before';
  }

  /** Returns the state of a payload after the last step about it; `null` if it is not loaded. */
  stateOf(name: string): PayloadState | null {
    return this.#states.get(name) ?? null;
  }

  /** Records a step and its outcome. */
  add(step: Step, outcome: StepOutcome): void {
    if (outcome.kind !== 'answered' || !('name' in step) || step.name === undefined) return;
    const { name } = step;
    const state = outcome.status === null ? undefined : LIVEPATCH_STATE_NAMES.get(outcome.status.state);
    if (step.verb === 'replace' && outcome.result === 0) {
      for (const other of this.#applied) this.#states.set(other, 'CHECKED');
      this.#applied = [];
    }
    if (state === undefined) this.#states.delete(name);
    else this.#states.set(name, state);
    if (state !== 'APPLIED') this.#applied = this.#applied.filter((each) => each !== name);
    else if (!this.#applied.includes(name)) this.#applied.push(name);
    this.#everApplied ||= state === 'APPLIED';
  }
}

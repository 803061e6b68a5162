import type { ExpectedState, PayloadState, ScenarioListEntry } from '../../documents/index.ts';
import type { CallResult, HostPanic } from '../../xen/index.ts';

/** What came of one step, before anybody asks whether it was expected. */
export interface Came {
  /** The operation's result; `null` where there is none. */
  readonly rc: number | null;
  readonly state: ExpectedState | null;
  /** The rc of GET. */
  readonly status: number | null;
  readonly console: readonly string[];
  readonly list: readonly ScenarioListEntry[] | null;
  readonly call: CameCall | null;
  readonly panic: HostPanic | null;
  /** The payload's own code that would have to be run, and is not. */
  readonly hook: string | null;
  /** What `verify` found wrong. */
  readonly wrong: readonly string[];
}

/** A call, with what its result points to where that was wanted. */
export interface CameCall {
  readonly result: CallResult;
  /** `null` where it was not asked for, or where there is no text. */
  readonly string: string | null;
}

/** A step of which nothing is known yet. */
export const NOTHING_CAME: Came = {
  rc: null,
  state: null,
  status: null,
  console: [],
  list: null,
  call: null,
  panic: null,
  hook: null,
  wrong: [],
};

/** The stack of what is applied, as the steps so far have left it. */
export class AppliedStack {
  #names: readonly string[] = [];
  #ever = false;

  /** The top last. */
  get names(): readonly string[] {
    return this.#names;
  }

  get when(): 'before' | 'applied' | 'reverted' {
    if (this.#names.length > 0) return 'applied';
    return this.#ever ? 'reverted' : 'before';
  }

  /** Notes the state of a payload after a step; `replaced`: it was put in place of all others. */
  note(name: string, state: PayloadState | 'none' | null, replaced: boolean): void {
    if (state === null) return;
    const others = this.#names.filter((each) => each !== name);
    if (state !== 'APPLIED') this.#names = others;
    else if (replaced) this.#names = [name];
    else if (!this.#names.includes(name)) this.#names = [...others, name];
    this.#ever ||= state === 'APPLIED';
  }
}

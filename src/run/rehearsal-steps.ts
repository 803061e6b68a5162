import type { CallTime, RehearsalStepKind } from '../documents/index.ts';
import type { PayloadInput } from '../payload/index.ts';
import { type ActionName, LIVEPATCH_ACTION_APPLY_NODEPS } from '../xen/index.ts';
import type { ExpectedStep } from './expectation.ts';
import type { SimulationOptions } from './options.ts';
import type { PlannedCall } from './planned-call.ts';
import type { Step } from './step.ts';

/** The options that shape a rehearsal; all others are the stage's. */
export type RehearsalOptions = Pick<SimulationOptions, 'timeout' | 'nodeps' | 'replace' | 'calls' | 'progress'>;

/** A step of a rehearsal. */
export interface RehearsedStep extends ExpectedStep {
  readonly step: Extract<Step, { verb: RehearsalStepKind }>;
  /** The payload that the step is about; of a call the function and its arguments. */
  readonly name: string;
  /** The call that the step makes. */
  readonly call: PlannedCall | null;
}

/**
 * Generates the steps of a rehearsal: all payloads are uploaded and applied in the order given and reverted in reverse order, both once more
 * if Xen applies all of them again, and unloaded. Every apply and every revert is verified; functions are called before, in between and after.
 *
 * @param reappliable tells whether Xen applies all payloads a second time. It is asked when all are reverted.
 */
export async function* rehearsalSteps(
  payloads: readonly PayloadInput[],
  { timeout = 0, nodeps = false, replace = false, calls = [] }: RehearsalOptions,
  reappliable: () => Promise<boolean>,
): AsyncGenerator<RehearsedStep, void> {
  const names = payloads.map(({ name }) => name);
  const flags = nodeps ? LIVEPATCH_ACTION_APPLY_NODEPS : 0;
  const act = (verb: ActionName, name: string) => rehearsed({ verb, name, timeout, flags }, name);
  /** Verifies the whole hypervisor after a change of that payload. */
  const verify = (name: string) => rehearsed({ verb: 'verify' }, name);
  const call = (when: CallTime) =>
    calls.map((planned) => {
      const step = rehearsed({ verb: 'call', ...planned.call }, planned.text, planned);
      // A payload's own function exists only while the payload is loaded.
      return when === 'before' ? { ...step, optional: true } : step;
    });

  const stack: string[] = [];
  function* apply(name: string): Generator<RehearsedStep, void> {
    const replaces = replace && stack.length > 0;
    yield act(replaces ? 'replace' : 'apply', name);
    if (replaces) stack.length = 0;
    stack.push(name);
    yield verify(name);
  }
  function* revertAll(): Generator<RehearsedStep, void> {
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      yield act('revert', top);
      yield verify(top);
    }
  }

  yield* call('before');
  for (const { name, bytes } of payloads) {
    yield rehearsed({ verb: 'upload', name, payload: bytes }, name);
    yield* apply(name);
  }
  yield* call('applied');
  yield* revertAll();
  yield* call('reverted');
  if (await reappliable()) {
    for (const name of names) yield* apply(name);
    yield* revertAll();
  }
  for (const name of names.toReversed()) yield act('unload', name);
  // The first payload was the last to go.
  yield verify(names[0] ?? '');
}

const rehearsed = (step: RehearsedStep['step'], name: string, call: PlannedCall | null = null): RehearsedStep => ({
  step,
  name,
  call,
  expect: {},
  panics: null,
});

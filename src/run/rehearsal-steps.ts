import type { CallTime, RehearsalStepKind } from '../documents/index.ts';
import type { PayloadInput } from '../payload/index.ts';
import { type ActionName, LIVEPATCH_ACTION_APPLY_NODEPS } from '../xen/index.ts';
import type { ExpectedStep } from './expectation.ts';
import type { SimulationOptions } from './options.ts';
import type { PlannedCall } from './planned-call.ts';
import type { Step } from './step.ts';

/** The options of a rehearsal; all others belong to the stage. */
export type RehearsalOptions = Pick<SimulationOptions, 'timeout' | 'nodeps' | 'replace' | 'calls' | 'progress'>;

/** A step of a rehearsal. */
export interface RehearsedStep extends ExpectedStep {
  readonly step: Extract<Step, { verb: RehearsalStepKind }>;
  /** Name of the payload; of a call, the function and its arguments. */
  readonly name: string;
  /** The call that the step makes. */
  readonly call: PlannedCall | null;
}

/**
 * Generates the steps of a rehearsal: upload and apply all payloads in the order given, revert them in reverse order, apply and revert them once more if
 * Xen allows that, and unload them. A verification follows every apply and every revert; calls come before, in between and after.
 *
 * @param reappliable tells whether Xen applies all payloads again. It is called once all are reverted.
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
  // The first payload is unloaded last.
  yield verify(names[0] ?? '');
}

const rehearsed = (step: RehearsedStep['step'], name: string, call: PlannedCall | null = null): RehearsedStep => ({
  step,
  name,
  call,
  expect: {},
  panics: null,
});

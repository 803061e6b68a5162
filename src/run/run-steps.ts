import { XspliceError } from '../base/index.ts';
import type { CallTime, ScenarioMismatch } from '../documents/index.ts';
import { checkStep } from './check-step.ts';
import type { ExpectedStep } from './expectation.ts';
import type { Stage } from './stage.ts';
import { hostEnded, type StepOutcome } from './step.ts';
import { takeStep } from './take-step.ts';

/** A step that was taken. */
export interface TakenStep<Expected> {
  readonly expected: Expected;
  /** The phase in which a call takes place. */
  readonly phase: CallTime;
  readonly outcome: StepOutcome;
  /** Differences from what was expected; none for a step that passed. */
  readonly mismatches: readonly ScenarioMismatch[];
}

/**
 * Takes steps one by one, each when the caller asks for the next result, until there are no more or the host ends. Throws an XspliceError as
 * {@link takeStep} does, and EHOST for a host that does not answer.
 *
 * @param before is called before each step.
 */
export async function* runSteps<Expected extends ExpectedStep>(
  stage: Stage,
  steps: AsyncIterable<Expected>,
  before: (expected: Expected) => void,
): AsyncGenerator<TakenStep<Expected>, void> {
  for await (const expected of steps) {
    before(expected);
    const { phase } = stage.history;
    const outcome = await takeStep(stage, expected.step).catch((error: unknown) => {
      if (expected.optional === true && error instanceof XspliceError && error.code === 'EUSAGE') return null;
      throw error;
    });
    if (outcome === null) continue;
    if (outcome.kind === 'no-answer') throw new XspliceError('EHOST', 'the host is gone');
    yield { expected, phase, outcome, mismatches: checkStep(expected, outcome) };
    if (hostEnded(outcome)) return;
  }
}

import type { ConformDifference, ObservedValue, ReportedCall, ScenarioRun, ScenarioStep } from '../documents/index.ts';
import { panicText, resultText } from '../run/index.ts';
import { stableLine, withoutRegisters } from './compare.ts';

/** A scenario as a conformance report names it. */
export const runName = ({ file, cell }: Pick<ScenarioRun, 'file' | 'cell'>): string =>
  cell === '' ? file : `${file} ${cell}`;

/**
 * Returns every difference between two runs of one scenario. Neither run stopped at a failed expectation: see `toTheEnd`. If the environment stopped
 * one of them, that is the last difference.
 */
export function compareRuns(simulated: ScenarioRun, real: ScenarioRun): ConformDifference[] {
  const found: ConformDifference[] = [];
  const stopped = simulated.error !== null || real.error !== null;
  // Later steps of the other run have no counterpart.
  const steps = (stopped ? Math.min : Math.max)(simulated.steps.length, real.steps.length);
  for (let i = 0; i < steps; i++) {
    const left = seenOf(simulated, simulated.steps[i]);
    const right = seenOf(real, real.steps[i]);
    for (const field of new Set([...left.keys(), ...right.keys()])) {
      const [a, b] = [left.get(field) ?? null, right.get(field) ?? null];
      if (JSON.stringify(a) === JSON.stringify(b)) continue;
      found.push({ case: runName(simulated), step: i + 1, field, simulated: a, real: b });
    }
  }
  if (stopped) {
    const [left, right] = [simulated.error?.message ?? null, real.error?.message ?? null];
    found.push({ case: runName(simulated), step: steps + 1, field: 'error', simulated: left, real: right });
  }
  return found;
}

/** Returns the compared fields of a step; none if this run did not get that far. */
function seenOf(run: ScenarioRun, step: ScenarioStep | undefined): Map<string, ObservedValue> {
  const seen = new Map<string, ObservedValue>();
  if (step === undefined) return seen;
  if (step.panic !== null) {
    const { message, errorCode, address, screen } = step.panic;
    seen.set('panic', panicText({ message, errorCode, address: address === null ? null : BigInt(address), screen }));
    return seen;
  }
  seen.set('rc', resultText(step.rc));
  seen.set('state', step.state);
  seen.set('status', resultText(step.status));
  seen.set('console', withoutRegisters(step.console).map(stableLine));
  if (step.list !== null)
    seen.set(
      'list',
      step.list.map(({ name, state, rc }) => `${name} state=${state} rc=${rc}`),
    );
  if (step.note !== undefined) seen.set(step.step === 'verify' ? 'live' : 'hook', step.note);
  const call = step.call === null ? undefined : run.calls[step.call];
  if (call !== undefined) noteCall(call, seen);
  return seen;
}

/** Adds what both hosts know of a call; only the simulator counts its instructions. */
function noteCall({ returned, buffers }: ReportedCall, seen: Map<string, ObservedValue>): void {
  // A result that points to text is an address, which may be the payload's own.
  if (returned.string === null) seen.set('returns.int', returned.int);
  else seen.set('returns.string', returned.string);
  for (const [i, bytes] of buffers.entries()) seen.set(`buffers[${i}]`, bytes);
}

import { hexAddress } from '../base/index.ts';
import type { ExpectedState, RehearsalPanic, StepDocument } from '../documents/index.ts';
import type { HookCall } from '../hypervisor/index.ts';
import { errnoName, type HostPanic, LIVEPATCH_STATE_NAMES } from '../xen/index.ts';
import type { PayloadStatus, StepOutcome } from './step.ts';

/** Returns the name of a payload's state; `null` for a number that Xen does not define. */
const stateName = ({ state }: PayloadStatus): ExpectedState | null => LIVEPATCH_STATE_NAMES.get(state) ?? null;

/** Returns the state of the step's payload: `none` if it is not loaded, `null` if the step has no payload. */
export const stateAfter = (outcome: StepOutcome): ExpectedState | null =>
  outcome.kind !== 'answered' ? null : outcome.status === null ? 'none' : stateName(outcome.status);

/** Returns the result of the operation: 0, a count or a negated errno; `null` for a step whose result is not a number. */
export function resultOf(outcome: StepOutcome): number | null {
  if (outcome.kind === 'answered') return outcome.result;
  return outcome.kind === 'listed' ? outcome.list.rc : null;
}

/** Names a hook for messages: `the load hook my_hook`. */
export const hookText = ({ kind, symbol, address }: HookCall): string =>
  `the ${kind} hook ${symbol ?? hexAddress(address)}`;

/** Explains an outcome about which the hypervisor prints nothing; `null` for all others. */
export function noteOf(outcome: StepOutcome): string | null {
  if (outcome.kind === 'differs') return outcome.problems.join('; ');
  if (outcome.kind !== 'stopped-at-hook') return null;
  return `stopped in front of ${hookText(outcome.hook)}: there is no processor to run it on: ${outcome.hook.missing.message}`;
}

/** Returns the members that the steps of all documents share. */
export function stepDocument(outcome: StepOutcome): StepDocument {
  const rc = resultOf(outcome);
  return { outcome: outcome.kind, rc, errno: rc === null ? null : errnoName(rc), console: outcome.console };
}

/** Converts a panic for a document. */
export const panicDocument = ({ message, errorCode, address, screen }: HostPanic): RehearsalPanic => ({
  message,
  errorCode,
  address: address === null ? null : hexAddress(address),
  screen,
});

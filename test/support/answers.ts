import type { AnsweringTarget } from '../../src/cli/host-session.ts';
import type { SimulatedTarget } from '../../src/hypervisor/index.ts';
import type { ActionName, ActionOptions, LivepatchTarget, NoAnswer, OpResult } from '../../src/xen/index.ts';

/** Returns the result of a hypercall that came back. Throws for a host that did not answer. */
export function answered<T extends { readonly kind: string }>(result: T): Exclude<T, NoAnswer> {
  if (result.kind === 'no-answer') throw new Error('the host did not answer');
  return result as Exclude<T, NoAnswer>;
}

/** Returns the number that a hypercall came back with; `null` for a host that did not answer. */
export const rcOf = (result: OpResult): number | null => (result.kind === 'answered' ? result.rc : null);

/** Uploads at once. Returns 0 or a negated errno; `null` if the host did not answer. */
export const uploadNow = (target: SimulatedTarget, ...args: Parameters<SimulatedTarget['uploadNow']>): number | null =>
  rcOf(target.uploadNow(...args));

/**
 * Performs an action at once. Returns the result of the call, or else the payload's own; `null` if the host did not answer, or died while the
 * action was under way.
 */
export function actionNow(
  target: SimulatedTarget,
  name: string,
  action: ActionName,
  options?: ActionOptions,
): number | null {
  const result = target.schedule(name, action, options);
  target.idle();
  if (result.kind === 'no-answer' || target.hypervisor.stopped !== null) return null;
  if (result.rc !== 0) return result.rc;
  return target.hypervisor.payloads.find((payload) => payload.name === name)?.rc ?? 0;
}

/** Makes a target whose calls reject if the host does not answer, as the host that a process runs on always does. */
export const answering = (target: LivepatchTarget): AnsweringTarget => ({
  upload: async (...args) => answered(await target.upload(...args)),
  get: async (name) => answered(await target.get(name)),
  list: async (request) => answered(await target.list(request)),
  action: async (...args) => answered(await target.action(...args)),
  takeConsole: () => target.takeConsole(),
});

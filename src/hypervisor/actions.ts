import {
  type ActionName,
  ERRNO,
  LIVEPATCH_ACTION_APPLY_NODEPS,
  LIVEPATCH_DEFAULT_TIMEOUT_NS,
  LIVEPATCH_FUNC_APPLIED,
  LIVEPATCH_FUNC_NOT_APPLIED,
} from '../xen/index.ts';
import { applyPayload, applyPayloadTail } from './apply.ts';
import { buildIdDep } from './build-id.ts';
import { checkExpectations, functionsOf } from './expectations.ts';
import { callHook, hookEnabled } from './hooks.ts';
import { type Hypervisor, type LivepatchWork, report, within } from './hypervisor.ts';
import type { LoadedPayload } from './payload.ts';
import { LIVEPATCH_C, Refuser, refuseSilently } from './refusal.ts';
import { vetoingHooks } from './replace-hooks.ts';
import { revertPayload, revertPayloadTail } from './revert.ts';
import { HostStop } from './stop.ts';
import { freePayload } from './upload.ts';

export interface ActionRequest {
  readonly name: string;
  /** `undefined` if the number names no action. */
  readonly action: ActionName | undefined;
  /** Nanoseconds; 0 for the default. */
  readonly timeout: number;
  readonly flags: number;
}

/**
 * livepatch_action, after the checks of the structure itself: checks whether the action may be scheduled, and schedules it. The outcome is in
 * the payload's `rc` once the CPUs have met. An action that the payload's state does not call for succeeds without effect.
 * Source: xen/common/livepatch.c.
 */
export function livepatchAction(hv: Hypervisor, request: ActionRequest): number {
  return within(hv, 'livepatch_action', () => {
    const payload = hv.payloads.find(({ name }) => name === request.name);
    if (payload === undefined) {
      const message = `no payload named ${request.name} is loaded`;
      return refuseSilently(hv, { rule: 'no-such-payload', errno: 'ENOENT', message });
    }
    if (hv.work?.payload === payload) {
      const message = `an action on ${payload.name} is in progress`;
      return refuseSilently(hv, { rule: 'action-pending', errno: 'EBUSY', message });
    }
    const { action } = request;
    if (action === undefined) {
      const message = 'the hypervisor has no such action';
      return refuseSilently(hv, { rule: 'no-such-action', errno: 'EOPNOTSUPP', message });
    }
    return ACTIONS[action](hv, payload, request);
  });
}

const refuser = (hv: Hypervisor, payload: LoadedPayload): Refuser => new Refuser(hv, LIVEPATCH_C, payload.name);

const ACTIONS: Readonly<
  Record<ActionName, (hv: Hypervisor, payload: LoadedPayload, request: ActionRequest) => number>
> = { unload, revert, apply, replace };

function unload(hv: Hypervisor, payload: LoadedPayload): number {
  if (payload.state !== 'CHECKED') {
    const message = `${payload.name} is applied: revert it before unloading it`;
    return refuseSilently(hv, { rule: 'still-applied', errno: 'EINVAL', message });
  }
  freePayload(hv, payload);
  return 0;
}

function revert(hv: Hypervisor, payload: LoadedPayload, request: ActionRequest): number {
  if (payload.state !== 'APPLIED') return 0;
  const top = hv.applied[hv.applied.length - 1] as LoadedPayload;
  if (top !== payload) {
    return refuser(hv, payload).refuse({ rule: 'not-on-top', errno: 'EBUSY' }, "can't unload. Top is %s", top.name);
  }
  const veto = preHook(hv, payload, 'prerevert', 'pre-revert');
  if (veto !== 0) return veto;
  return scheduleWork(hv, payload, request);
}

function apply(hv: Hypervisor, payload: LoadedPayload, request: ActionRequest): number {
  if (payload.state !== 'CHECKED') return 0;
  if (payload.reverted && !payload.safeToReapply) {
    const message =
      'the payload has writable data, which the first application may have changed: unload it and upload it again';
    const template = "can't revert as payload has .data. Please unload";
    payload.rc = refuser(hv, payload).refuse({ rule: 'not-reappliable', errno: 'EINVAL', message }, template);
    // Only the payload's own rc reports this; the call itself succeeds.
    return 0;
  }
  const nodeps = hv.release.actionFlags && (request.flags & LIVEPATCH_ACTION_APPLY_NODEPS) !== 0;
  const dep = nodeps ? 0 : buildIdDep(hv, payload, hv.applied.length === 0);
  if (dep !== 0) return dep;
  const expectations = checkExpectations(hv, payload);
  if (expectations !== 0) return expectations;
  const veto = preHook(hv, payload, 'preapply', 'pre-apply');
  if (veto !== 0) return veto;
  return scheduleWork(hv, payload, request);
}

function replace(hv: Hypervisor, payload: LoadedPayload, request: ActionRequest): number {
  if (payload.state !== 'CHECKED') return 0;
  const dep = buildIdDep(hv, payload, true);
  if (dep !== 0) return dep;
  if (hv.release.actionHooks && [payload, ...hv.applied].some((each) => vetoingHooks(hv, each))) {
    const template = 'REPLACE action is not supported on livepatches with vetoing hooks!';
    return refuser(hv, payload).refuse({ rule: 'replace-with-hooks', errno: 'EOPNOTSUPP' }, template);
  }
  return scheduleWork(hv, payload, request);
}

/** Calls a hook that may veto the action. Any value other than 0, of either sign, is the action's result. */
function preHook(hv: Hypervisor, payload: LoadedPayload, kind: 'preapply' | 'prerevert', text: string): number {
  if (!hv.release.actionHooks || !hookEnabled(hv, payload, kind)) return 0;
  hv.log.printk('INFO', `livepatch: %s: Calling ${text} hook function`, payload.name);
  const rc = callHook(hv, payload, kind);
  if (rc === 0) return 0;
  payload.rc = rc;
  refuser(hv, payload).error(`${text} hook failed (rc=%d), aborting!`, rc);
  report(hv, 'hook-veto', `the payload's ${text} hook vetoed the action: it returned ${rc}`);
  return rc;
}

/** schedule_work: accepts one action at a time. Sets the payload's rc to -EAGAIN first, and leaves it there if it refuses. */
function scheduleWork(hv: Hypervisor, payload: LoadedPayload, { action, timeout }: ActionRequest): number {
  payload.rc = -ERRNO.EAGAIN;
  if (hv.work !== null) {
    const message = `an action on ${hv.work.payload.name} is in progress`;
    return refuseSilently(hv, { rule: 'action-pending', errno: 'EBUSY', message });
  }
  const effective = timeout === 0 ? LIVEPATCH_DEFAULT_TIMEOUT_NS : timeout;
  hv.log.dprintk(LIVEPATCH_C, 'DEBUG', 'livepatch: %s: timeout is %uns', payload.name, effective);
  hv.work = { cmd: action as LivepatchWork['cmd'], payload, timeout: effective };
  return 0;
}

/** livepatch_do_action: the master CPU's work while all others wait. */
export function doAction(hv: Hypervisor, { cmd, payload }: LivepatchWork): void {
  within(hv, 'livepatch_do_action', () => {
    payload.rc = DO[cmd](hv, payload);
  });
}

const DO: Readonly<Record<LivepatchWork['cmd'], (hv: Hypervisor, payload: LoadedPayload) => number>> = {
  apply: doApply,
  revert: doRevert,
  replace: doReplace,
};

function doApply(hv: Hypervisor, payload: LoadedPayload): number {
  const rc = actionHook(hv, payload, 'apply') ?? applyPayload(hv, payload);
  const expected = rc === 0 ? LIVEPATCH_FUNC_APPLIED : LIVEPATCH_FUNC_NOT_APPLIED;
  if (!wasActionConsistent(hv, payload, expected)) inconsistent('applied', payload);
  if (rc === 0) applyPayloadTail(hv, payload);
  return rc;
}

function doRevert(hv: Hypervisor, payload: LoadedPayload): number {
  const rc = actionHook(hv, payload, 'revert') ?? revertPayload(hv, payload);
  const expected = rc === 0 ? LIVEPATCH_FUNC_NOT_APPLIED : LIVEPATCH_FUNC_APPLIED;
  if (!wasActionConsistent(hv, payload, expected)) inconsistent('reverted', payload);
  if (rc === 0) revertPayloadTail(hv, payload);
  return rc;
}

/** Calls the hook that replaces the hypervisor's own work; returns `undefined` if the payload has none. */
function actionHook(hv: Hypervisor, payload: LoadedPayload, kind: 'apply' | 'revert'): number | undefined {
  if (!hv.release.actionHooks || !hookEnabled(hv, payload, kind)) return undefined;
  hv.log.printk('INFO', `livepatch: %s: Calling ${kind} action hook function`, payload.name);
  return callHook(hv, payload, kind);
}

function doReplace(hv: Hypervisor, payload: LoadedPayload): number {
  for (const other of [...hv.applied].reverse()) {
    other.rc = doRevert(hv, other);
    if (other.rc !== 0) return -ERRNO.EINVAL;
  }
  const expectations = checkExpectations(hv, payload);
  if (expectations !== 0) {
    const template = 'SYSTEM MIGHT BE INSECURE: Replace action has been aborted after reverting ALL payloads!';
    refuser(hv, payload).error(template);
    report(hv, 'replace-aborted', 'all payloads were reverted, and the new one was not applied');
    return expectations;
  }
  return doApply(hv, payload);
}

/** was_action_consistent: checks that all functions are in the state that the action's result implies. Since 6047104c3c (4.14). */
function wasActionConsistent(hv: Hypervisor, payload: LoadedPayload, expected: number): boolean {
  if (hv.release.funcLayout === 'v1') return true;
  let index = 0;
  for (const func of functionsOf(hv, payload)) {
    if (payload.fstate.at(index++).applied === expected) continue;
    const template = "Payload has a function: '%s' with inconsistent applied state.";
    refuser(hv, payload).error(template, func.text ?? 'noname');
    return false;
  }
  return true;
}

function inconsistent(done: 'applied' | 'reverted', payload: LoadedPayload): never {
  throw new HostStop({ kind: 'panic', text: `livepatch: partially ${done} payload '${payload.name}'!\n` });
}

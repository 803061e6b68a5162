import { LIVEPATCH_FUNC_NOT_APPLIED } from '../xen/index.ts';
import { quiesce } from './apply.ts';
import { functionsOf } from './expectations.ts';
import { callHooks } from './hooks.ts';
import { type Hypervisor, within } from './hypervisor.ts';
import type { LoadedPayload } from './payload.ts';
import { patchingHost, unregisterRegion } from './virtual-region.ts';

/**
 * revert_payload: restores every function's old instructions, in the order in which they were patched, then runs the unload hooks.
 * Source: xen/common/livepatch.c.
 */
export function revertPayload(hv: Hypervisor, payload: LoadedPayload): number {
  return within(hv, 'revert_payload', () => {
    const { log, arch, release } = hv;
    log.printk('INFO', 'livepatch: %s: Reverting', payload.name);
    const quiesced = quiesce(hv, payload);
    if (quiesced !== 0) return quiesced;
    let index = 0;
    for (const func of functionsOf(hv, payload)) {
      const state = payload.fstate.at(index++);
      if (release.funcLayout !== 'v1' && (func.oldAddr === 0n || state.applied === LIVEPATCH_FUNC_NOT_APPLIED)) {
        const who = release.stateInPayload ? 'common_livepatch_revert' : 'revert_payload';
        log.printk('WARNING', 'livepatch: %s: %s has not been applied before', who, func.text);
        continue;
      }
      within(hv, 'arch_livepatch_revert', () => arch.revert(func, state, hv.patching));
      state.applied = LIVEPATCH_FUNC_NOT_APPLIED;
    }
    callHooks(hv, payload, 'unload');
    arch.revive(patchingHost(hv), release);
    return 0;
  });
}

/** revert_payload_tail: takes the payload off the stack and marks it, because its data may have changed. */
export function revertPayloadTail(hv: Hypervisor, payload: LoadedPayload): undefined {
  hv.applied = hv.applied.filter((other) => other !== payload);
  if (hv.release.regionRegistered === 'apply') unregisterRegion(hv, payload.region);
  payload.reverted = true;
  payload.state = 'CHECKED';
}

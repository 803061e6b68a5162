import { latin1 } from '../base/index.ts';
import { ERRNO, LIVEPATCH_FUNC_APPLIED } from '../xen/index.ts';
import { functionsOf } from './expectations.ts';
import { callHooks } from './hooks.ts';
import { type Hypervisor, report, within } from './hypervisor.ts';
import type { LoadedPayload } from './payload.ts';
import { LIVEPATCH_C, Refuser } from './refusal.ts';
import { patchingHost, registerRegion } from './virtual-region.ts';

/**
 * apply_payload: with all other CPUs waiting, the load hooks run and every function gets its jump, or its NOPs.
 * Source: xen/common/livepatch.c.
 */
export function applyPayload(hv: Hypervisor, payload: LoadedPayload): number {
  return within(hv, 'apply_payload', () => {
    const { log, arch, release } = hv;
    const rc = safetyCheck(hv, payload);
    if (rc !== 0) return rc;
    log.printk('INFO', 'livepatch: %s: Applying %u functions', payload.name, payload.funcs.count);
    const host = patchingHost(hv);
    const quiesced = quiesce(hv, payload);
    if (quiesced !== 0) return quiesced;
    callHooks(hv, payload, 'load');
    let index = 0;
    for (const func of functionsOf(hv, payload)) {
      const state = payload.fstate.at(index++);
      if (release.funcLayout !== 'v1' && state.applied === LIVEPATCH_FUNC_APPLIED) {
        const who = release.stateInPayload ? 'common_livepatch_apply' : 'apply_payload';
        log.printk('WARNING', 'livepatch: %s: %s has been already applied before', who, func.text);
        continue;
      }
      within(hv, 'arch_livepatch_apply', () => arch.apply(func, state, hv.patching));
      state.applied = LIVEPATCH_FUNC_APPLIED;
    }
    arch.revive(host, release);
    printMetadata(hv, payload);
    return 0;
  });
}

/** apply_payload_tail: the payload is on top of the stack now. */
export function applyPayloadTail(hv: Hypervisor, payload: LoadedPayload): void {
  hv.applied.push(payload);
  if (hv.release.regionRegistered === 'apply') registerRegion(hv, payload.region);
  payload.state = 'APPLIED';
}

/** arch_livepatch_safety_check, where there is something to check: no domain may be in the middle of a vm_event. Not made for a revert. */
function safetyCheck(hv: Hypervisor, payload: LoadedPayload): number {
  const domain = hv.options.domainsWithWaitqueue[0];
  if (!hv.arch.waitqueues || !hv.release.waitqueueCheck || domain === undefined) return 0;
  new Refuser(hv, hv.arch.file).error('d%d found with active waitqueue', domain);
  const rc = -ERRNO.EBUSY;
  new Refuser(hv, LIVEPATCH_C, payload.name).error('Safety checks failed: %d', rc);
  report(hv, 'error', 'active-waitqueue', `domain ${domain} has an active vm_event waitqueue`);
  return rc;
}

/** arch_livepatch_quiesce, and what is said where it fails. */
export function quiesce(hv: Hypervisor, payload: LoadedPayload): number {
  const errno = hv.arch.quiesce(patchingHost(hv), hv.release);
  if (errno === null) return 0;
  new Refuser(hv, LIVEPATCH_C, payload.name).error('unable to quiesce!');
  return -ERRNO[errno];
}

/** livepatch_display_metadata: every string of `.modinfo`. Since 4848297ad4 (4.14). */
export function printMetadata(hv: Hypervisor, payload: LoadedPayload): void {
  const { addr, size } = payload.metadata;
  if (size === 0) return;
  hv.log.printk('INFO', 'livepatch: module metadata:');
  for (const text of metadataStrings(hv.machine.space.read(addr, size))) {
    // Not through the formatter: a payload can bring two million of them.
    hv.machine.console.printk('INFO', `livepatch:   ${text}`);
  }
}

/** The NUL-terminated strings of `.modinfo`, empty ones included; its last byte is NUL, which prepare_payload has checked. */
function metadataStrings(bytes: Uint8Array): string[] {
  const strings = latin1(bytes).split('\0');
  strings.pop();
  return strings;
}

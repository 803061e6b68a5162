import { latin1 } from '../base/index.ts';
import { ERRNO, LIVEPATCH_FUNC_APPLIED } from '../xen/index.ts';
import { functionsOf } from './expectations.ts';
import { callHooks } from './hooks.ts';
import { type Hypervisor, report, within } from './hypervisor.ts';
import type { LoadedPayload } from './payload.ts';
import { LIVEPATCH_C, Refuser } from './refusal.ts';
import { patchingHost, registerRegion } from './virtual-region.ts';

/**
 * apply_payload: runs the load hooks and gives every function its jump or NOPs, while all other CPUs wait.
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

/** apply_payload_tail: puts the payload on top of the stack. */
export function applyPayloadTail(hv: Hypervisor, payload: LoadedPayload): void {
  hv.applied.push(payload);
  if (hv.release.regionRegistered === 'apply') registerRegion(hv, payload.region);
  payload.state = 'APPLIED';
}

/** arch_livepatch_safety_check: on architectures with waitqueues, refuses while a domain is in a vm_event. Reverts skip the check. */
function safetyCheck(hv: Hypervisor, payload: LoadedPayload): number {
  const domain = hv.options.domainsWithWaitqueue[0];
  if (!hv.arch.waitqueues || !hv.release.waitqueueCheck || domain === undefined) return 0;
  new Refuser(hv, hv.arch.file).error('d%d found with active waitqueue', domain);
  const rc = -ERRNO.EBUSY;
  new Refuser(hv, LIVEPATCH_C, payload.name).error('Safety checks failed: %d', rc);
  report(hv, 'active-waitqueue', `domain ${domain} has an active vm_event waitqueue`);
  return rc;
}

/** arch_livepatch_quiesce, with the error line for a failure. Returns 0 or a negated errno. */
export function quiesce(hv: Hypervisor, payload: LoadedPayload): number {
  const errno = hv.arch.quiesce(patchingHost(hv), hv.release);
  if (errno === null) return 0;
  new Refuser(hv, LIVEPATCH_C, payload.name).error('unable to quiesce!');
  return -ERRNO[errno];
}

/** livepatch_display_metadata: prints every string of `.modinfo`. Since 4848297ad4 (4.14). */
export function printMetadata(hv: Hypervisor, payload: LoadedPayload): void {
  const { addr, size } = payload.metadata;
  if (size === 0) return;
  hv.log.printk('INFO', 'livepatch: module metadata:');
  for (const text of metadataStrings(hv.machine.space.read(addr, size))) {
    // Bypass the formatter: a payload may have two million strings.
    hv.machine.console.printk('INFO', `livepatch:   ${text}`);
  }
}

/** Splits `.modinfo` into its NUL-terminated strings, empty ones included. prepare_payload has checked that the last byte is NUL. */
function metadataStrings(bytes: Uint8Array): string[] {
  const strings = latin1(bytes).split('\0');
  strings.pop();
  return strings;
}

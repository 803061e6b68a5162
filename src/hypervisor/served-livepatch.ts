import type { Address } from '../base/index.ts';
import { viewOf } from '../base/index.ts';
import { ERRNO, livepatchFunc } from '../xen/index.ts';
import { InPayloadFunctionStates } from './function-state.ts';
import type { Hypervisor } from './hypervisor.ts';
import type { LoadedPayload } from './payload.ts';
import { livepatchSymbolsLookupByName } from './resolve-symbols.ts';
import { revertPayload, revertPayloadTail } from './revert.ts';
import { argument, type ServedCall, type ServedFunction } from './served-function.ts';
import { HostStop } from './stop.ts';
import { isActiveKernelText, isPatch } from './trap-tables.ts';
import { patchingHost } from './virtual-region.ts';

/** The livepatch subsystem itself. Source: xen/common/livepatch.c, and the architecture's livepatch.c. */

const REASON =
  'the livepatch subsystem is the simulator’s own: page tables, regions and lists are its, not the image’s';

/** The payload that the first argument points at. */
function payloadOf(call: ServedCall): LoadedPayload {
  const address = argument(call, 0);
  const payload = call.runner.payloads.payloadAt(address);
  if (payload === undefined) {
    const why = `${call.name} is given 0x${address.toString(16)}, which is no struct payload`;
    throw new HostStop({ kind: 'corruption', why });
  }
  return payload;
}

/** Carries out what changes payloads, whose structures code has in its hands meanwhile. */
const borrowed = (call: ServedCall, work: () => number): bigint =>
  BigInt.asUintN(64, BigInt(call.runner.payloads.takeBack(work)));

/** A `struct livepatch_func` in memory, and the state that belongs to it. */
function functionAt(call: ServedCall) {
  const { hv } = call;
  const layout = livepatchFunc(hv.release.funcLayout, hv.arch.elf.pointerSize);
  const address = argument(call, 0);
  const func = layout.read(viewOf(hv.machine.space.read(address, layout.size)), 0);
  return { func, state: stateAt(call, address, layout.size) };
}

/** Releases that keep it outside of the payload hand it over as the second argument. */
function stateAt(call: ServedCall, func: Address, size: number) {
  const { space } = call.hv.machine;
  const { offsets, stride, address } = call.runner.payloads.stateLayout(func, size, () => argument(call, 1));
  return new InPayloadFunctionStates(1, space, address, stride, offsets).at(0);
}

function archApply(call: ServedCall): bigint {
  const { func, state } = functionAt(call);
  call.hv.arch.apply(func, state, call.hv.patching);
  return 0n;
}

function archRevert(call: ServedCall): bigint {
  const { func, state } = functionAt(call);
  call.hv.arch.revert(func, state, call.hv.patching);
  return 0n;
}

const served = (names: readonly string[], serve: (call: ServedCall) => bigint): ServedFunction => ({
  names,
  reason: REASON,
  serve,
});

const text = (hv: Hypervisor, address: Address): string => hv.machine.space.readCString(address, 128);

export const SERVED_LIVEPATCH: readonly ServedFunction[] = [
  served(['revert_payload'], (call) => {
    const payload = payloadOf(call);
    return borrowed(call, () => revertPayload(call.hv, payload));
  }),
  served(['revert_payload_tail'], (call) => {
    const payload = payloadOf(call);
    return borrowed(call, () => {
      revertPayloadTail(call.hv, payload);
      return 0;
    });
  }),
  served(['arch_livepatch_apply'], archApply),
  served(['arch_livepatch_revert'], archRevert),
  served(['arch_livepatch_quiesce'], ({ hv }) => {
    const errno = hv.arch.quiesce(patchingHost(hv), hv.release);
    return errno === null ? 0n : BigInt.asUintN(64, -BigInt(ERRNO[errno]));
  }),
  served(['arch_livepatch_revive'], ({ hv }) => {
    hv.arch.revive(patchingHost(hv), hv.release);
    return 0n;
  }),
  served(['is_patch'], (call) => (isPatch(call.hv, argument(call, 0)) ? 1n : 0n)),
  served(['is_active_kernel_text', 'is_kernel_text'], (call) =>
    isActiveKernelText(call.hv, argument(call, 0)) ? 1n : 0n,
  ),
  served(['livepatch_symbols_lookup_by_name'], (call) =>
    livepatchSymbolsLookupByName(call.hv, text(call.hv, argument(call, 0))),
  ),
];

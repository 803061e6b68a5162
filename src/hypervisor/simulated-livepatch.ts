import type { Address } from '../base/index.ts';
import { viewOf } from '../base/index.ts';
import { ERRNO, livepatchFunc } from '../xen/index.ts';
import { InPayloadFunctionStates } from './function-state.ts';
import type { Hypervisor } from './hypervisor.ts';
import type { LoadedPayload } from './payload.ts';
import { livepatchSymbolsLookupByName } from './resolve-symbols.ts';
import { revertPayload, revertPayloadTail } from './revert.ts';
import { argument, type SimulatedCall, type SimulatedFunction } from './simulated-function.ts';
import { HostStop } from './stop.ts';
import { isActiveKernelText, isPatch } from './trap-tables.ts';
import { patchingHost } from './virtual-region.ts';

/** The livepatch subsystem itself. Source: xen/common/livepatch.c, and the architecture's livepatch.c. */

const REASON = 'the simulator implements the livepatch subsystem: it owns the page tables, regions and lists';

/** Returns the payload that the first argument points to. */
function payloadOf(call: SimulatedCall): LoadedPayload {
  const address = argument(call, 0);
  const payload = call.runner.payloads.payloadAt(address);
  if (payload === undefined) {
    const why = `${call.name} was passed 0x${address.toString(16)}, which is not a struct payload`;
    throw new HostStop({ kind: 'corruption', why });
  }
  return payload;
}

/** Changes payloads whose structures running code shares. */
const borrowed = (call: SimulatedCall, work: () => number): bigint =>
  BigInt.asUintN(64, BigInt(call.runner.payloads.takeBack(work)));

/** Reads a `struct livepatch_func` from memory and finds its state. */
function functionAt(call: SimulatedCall) {
  const { hv } = call;
  const layout = livepatchFunc(hv.release.funcLayout, hv.arch.elf.pointerSize);
  const address = argument(call, 0);
  const func = layout.read(viewOf(hv.machine.space.read(address, layout.size)), 0);
  return { func, state: stateAt(call, address, layout.size) };
}

/** Releases that keep the state outside the payload pass it as the second argument. */
function stateAt(call: SimulatedCall, func: Address, size: number) {
  const { space } = call.hv.machine;
  const { offsets, stride, address } = call.runner.payloads.stateLayout(func, size, () => argument(call, 1));
  return new InPayloadFunctionStates(1, space, address, stride, offsets).at(0);
}

function archApply(call: SimulatedCall): bigint {
  const { func, state } = functionAt(call);
  call.hv.arch.apply(func, state, call.hv.patching);
  return 0n;
}

function archRevert(call: SimulatedCall): bigint {
  const { func, state } = functionAt(call);
  call.hv.arch.revert(func, state, call.hv.patching);
  return 0n;
}

const simulated = (names: readonly string[], simulate: (call: SimulatedCall) => bigint): SimulatedFunction => ({
  names,
  reason: REASON,
  simulate,
});

const text = (hv: Hypervisor, address: Address): string => hv.machine.space.readCString(address, 128);

export const SIMULATED_LIVEPATCH: readonly SimulatedFunction[] = [
  simulated(['revert_payload'], (call) => {
    const payload = payloadOf(call);
    return borrowed(call, () => revertPayload(call.hv, payload));
  }),
  simulated(['revert_payload_tail'], (call) => {
    const payload = payloadOf(call);
    return borrowed(call, () => {
      revertPayloadTail(call.hv, payload);
      return 0;
    });
  }),
  simulated(['arch_livepatch_apply'], archApply),
  simulated(['arch_livepatch_revert'], archRevert),
  simulated(['arch_livepatch_quiesce'], ({ hv }) => {
    const errno = hv.arch.quiesce(patchingHost(hv), hv.release);
    return errno === null ? 0n : BigInt.asUintN(64, -BigInt(ERRNO[errno]));
  }),
  simulated(['arch_livepatch_revive'], ({ hv }) => {
    hv.arch.revive(patchingHost(hv), hv.release);
    return 0n;
  }),
  simulated(['is_patch'], (call) => (isPatch(call.hv, argument(call, 0)) ? 1n : 0n)),
  simulated(['is_active_kernel_text', 'is_kernel_text'], (call) =>
    isActiveKernelText(call.hv, argument(call, 0)) ? 1n : 0n,
  ),
  simulated(['livepatch_symbols_lookup_by_name'], (call) =>
    livepatchSymbolsLookupByName(call.hv, text(call.hv, argument(call, 0))),
  ),
];

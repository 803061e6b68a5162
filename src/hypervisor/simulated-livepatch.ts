import type { Address } from '../base/index.ts';
import { viewOf } from '../base/index.ts';
import { ERRNO, livepatchFunc } from '../xen/index.ts';
import { InPayloadFunctionStates } from './function-state.ts';
import type { Hypervisor } from './hypervisor.ts';
import type { LoadedPayload } from './payload.ts';
import { livepatchSymbolsLookupByName } from './resolve-symbols.ts';
import { revertPayload, revertPayloadTail } from './revert.ts';
import { argument, type SimulatedCall, type SimulatedFunction, simulatedBecause } from './simulated-function.ts';
import { HostStop } from './stop.ts';
import { isActiveKernelText, isPatch } from './trap-tables.ts';
import { patchingHost } from './virtual-region.ts';

/** The livepatch subsystem itself. Source: xen/common/livepatch.c, and the architecture's livepatch.c. */

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

/** Changes the payload of the first argument, whose structure running code shares. Returns what `change` returns, or 0. */
function change(call: SimulatedCall, change: (hv: Hypervisor, payload: LoadedPayload) => number | undefined): bigint {
  const payload = payloadOf(call);
  return BigInt.asUintN(64, BigInt(call.runner.payloads.takeBack(() => change(call.hv, payload)) ?? 0));
}

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

/** arch_livepatch_apply, arch_livepatch_revert. */
function patch(call: SimulatedCall, direction: 'apply' | 'revert'): undefined {
  const { func, state } = functionAt(call);
  call.hv.arch[direction](func, state, call.hv.patching);
}

const simulated = simulatedBecause(
  'the simulator implements the livepatch subsystem: it owns the page tables, regions and lists',
);

const text = (hv: Hypervisor, address: Address): string => hv.machine.space.readCString(address, 128);

export const SIMULATED_LIVEPATCH: readonly SimulatedFunction[] = [
  simulated(['revert_payload'], (call) => change(call, revertPayload)),
  simulated(['revert_payload_tail'], (call) => change(call, revertPayloadTail)),
  simulated(['arch_livepatch_apply'], (call) => patch(call, 'apply')),
  simulated(['arch_livepatch_revert'], (call) => patch(call, 'revert')),
  simulated(['arch_livepatch_quiesce'], ({ hv }) => {
    const errno = hv.arch.quiesce(patchingHost(hv), hv.release);
    return errno === null ? 0n : BigInt.asUintN(64, -BigInt(ERRNO[errno]));
  }),
  simulated(['arch_livepatch_revive'], ({ hv }) => {
    hv.arch.revive(patchingHost(hv), hv.release);
    return undefined;
  }),
  simulated(['is_patch'], (call) => (isPatch(call.hv, argument(call, 0)) ? 1n : 0n)),
  simulated(['is_active_kernel_text', 'is_kernel_text'], (call) =>
    isActiveKernelText(call.hv, argument(call, 0)) ? 1n : 0n,
  ),
  simulated(['livepatch_symbols_lookup_by_name'], (call) =>
    livepatchSymbolsLookupByName(call.hv, text(call.hv, argument(call, 0))),
  ),
];

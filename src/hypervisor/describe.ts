import { type Address, addOffset } from '../base/index.ts';
import { type HookKind, LIVEPATCH_FUNC_APPLIED } from '../xen/index.ts';
import { functionsOf } from './expectations.ts';
import type { Hypervisor } from './hypervisor.ts';
import type { LoadedPayload } from './payload.ts';

/** A loaded payload, for reports. */
export interface PayloadDescription {
  readonly text: Address;
  readonly rw: Address;
  readonly ro: Address;
  readonly pages: number;
  /** Whether it may be applied again after a revert. */
  readonly safeToReapply: boolean;
  /** Kinds of hooks that it has. */
  readonly hooks: readonly HookKind[];
  readonly functions: readonly FunctionDescription[];
}

export interface FunctionDescription {
  /** `null` if the entry has no name. */
  readonly name: string | null;
  readonly oldAddr: Address;
  readonly oldSize: number;
  readonly newAddr: Address;
  readonly newSize: number;
  /** Bytes from oldAddr to the patch; meaningful once the function has been applied. */
  readonly patchOffset: number;
  readonly applied: boolean;
  /** Length of the patch in bytes. */
  readonly length: number;
}

/** Describes a payload as a debugger sees it: without faults or changes. */
export function describePayload(hv: Hypervisor, payload: LoadedPayload): PayloadDescription {
  const { text, rw, ro, pages, safeToReapply, fstate } = payload;
  const functions: FunctionDescription[] = [];
  let index = 0;
  for (const func of functionsOf(hv, payload)) {
    const { patchOffset, applied } = fstate.at(index++);
    const { text: name, oldAddr, oldSize, newAddr, newSize } = func;
    const length = hv.arch.insnLength(func, patchOffset);
    functions.push({
      name,
      oldAddr,
      oldSize,
      newAddr,
      newSize,
      patchOffset,
      applied: applied === LIVEPATCH_FUNC_APPLIED,
      length,
    });
  }
  const hooks = [...payload.hooks.keys()];
  return { text: text.addr, rw: rw.addr, ro: ro.addr, pages, safeToReapply, hooks, functions };
}

/** Returns `length` bytes of memory, or `null` if not all of them are mapped. */
export function peek(hv: Hypervisor, address: Address, length: number): Uint8Array | null {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const here = addOffset(address, at);
    const count = Math.min(length - at, 4096 - Number(here & 0xfffn));
    const window = hv.machine.space.span(here, count);
    if (window === undefined) return null;
    bytes.set(window, at);
    at += count;
  }
  return bytes;
}

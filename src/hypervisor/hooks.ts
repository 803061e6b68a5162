import { type Address, pointerText } from '../base/index.ts';
import type { HookKind } from '../xen/index.ts';
import { type Hypervisor, within } from './hypervisor.ts';
import type { LoadedPayload } from './payload.ts';
import { HostStop } from './stop.ts';
import { symbolText } from './symbol-text.ts';

/** Reads hook pointer `index`, as the hypervisor does before it calls it. A section that is not loaded is a null pointer: may fault. */
function hookPointer(hv: Hypervisor, payload: LoadedPayload, kind: HookKind, index: number): Address {
  const hooks = payload.hooks.get(kind);
  const { pointerSize } = hv.arch.elf;
  const at = (hooks?.addr ?? 0n) + BigInt(index * pointerSize);
  return pointerSize === 8 ? hv.machine.space.readU64(at) : BigInt(hv.machine.space.readU32(at));
}

/** Is a single hook there, and its pointer not null? Source: xen/common/livepatch.c, is_hook_enabled. */
export function hookEnabled(hv: Hypervisor, payload: LoadedPayload, kind: HookKind): boolean {
  const hooks = payload.hooks.get(kind);
  return hooks !== undefined && hooks.addr !== 0n && hookPointer(hv, payload, kind, 0) !== 0n;
}

/** Calls a single hook. The simulator does not run code: the host stops here, and whoever asked is told so. */
export function callHook(hv: Hypervisor, payload: LoadedPayload, kind: HookKind): never {
  return enter(hv, payload, kind, hookPointer(hv, payload, kind, 0));
}

/** Calls all load or unload hooks, in section order; null pointers are not skipped. */
export function callHooks(hv: Hypervisor, payload: LoadedPayload, kind: 'load' | 'unload'): void {
  const count = payload.hooks.get(kind)?.count ?? 0;
  for (let i = 0; i < count; i++) enter(hv, payload, kind, hookPointer(hv, payload, kind, i));
}

function enter(hv: Hypervisor, payload: LoadedPayload, kind: HookKind, address: Address): never {
  return within(hv, pointerText(address), () => {
    // Where the pointer leads to no code, what follows is known without running any.
    hv.machine.space.fetch(address);
    const symbol = payload.symtab.find(({ value }) => value === address)?.name ?? symbolText(hv, address);
    throw new HostStop({ kind: 'hook', hook: { payload: payload.name, kind, address, symbol } });
  });
}

import { type Address, pointerText } from '../base/index.ts';
import type { HookKind } from '../xen/index.ts';
import type { CodeRunner, RunContext } from './code-port.ts';
import { missingCpu } from './host-options.ts';
import { type Hypervisor, readPointer, within } from './hypervisor.ts';
import type { LoadedPayload } from './payload.ts';
import { HostStop } from './stop.ts';
import { symbolText } from './symbol-text.ts';
import { patchingHost } from './virtual-region.ts';

/** Reads hook pointer `index` from memory, as Xen does before the call. May fault: the address of a section that is not loaded is null. */
function hookPointer(hv: Hypervisor, payload: LoadedPayload, kind: HookKind, index: number): Address {
  const hooks = payload.hooks.get(kind);
  return readPointer(hv, (hooks?.addr ?? 0n) + BigInt(index * hv.arch.elf.pointerSize));
}

/** is_hook_enabled: whether a single hook exists and its pointer is not null. Source: xen/common/livepatch.c. */
export function hookEnabled(hv: Hypervisor, payload: LoadedPayload, kind: HookKind): boolean {
  const hooks = payload.hooks.get(kind);
  return hooks !== undefined && hooks.addr !== 0n && hookPointer(hv, payload, kind, 0) !== 0n;
}

/** Calls a single hook and returns its result. Without a processor, stops the host with the hook as the cause. */
export function callHook(hv: Hypervisor, payload: LoadedPayload, kind: PayloadHook): number {
  const address = hookPointer(hv, payload, kind, 0);
  const result = enter(hv, payload, kind, address, (code) =>
    code.payloads.lend(() => code.call(address, [code.payloads.addressOf(payload)], contextOf(kind))),
  );
  return Number(BigInt.asIntN(32, result));
}

/** Calls all load or unload hooks in section order, without skipping null pointers. */
export function callHooks(hv: Hypervisor, payload: LoadedPayload, kind: 'load' | 'unload'): void {
  const count = payload.hooks.get(kind)?.count ?? 0;
  for (let i = 0; i < count; i++) {
    const address = hookPointer(hv, payload, kind, i);
    enter(hv, payload, kind, address, (code) => code.payloads.lend(() => code.call(address, [], contextOf(kind))));
  }
}

/** Hooks that get the payload as their argument. */
export type PayloadHook = Exclude<HookKind, 'load' | 'unload'>;

/**
 * The context of each hook: in the hypercall, with all CPUs waiting and interrupts off, or after they resume.
 * Source: xen/common/livepatch.c (livepatch_action, livepatch_do_action, check_for_livepatch_work).
 */
const CONTEXTS: Readonly<Record<HookKind, Omit<RunContext, 'cpu'>>> = {
  load: { interrupts: false, current: 'idle' },
  unload: { interrupts: false, current: 'idle' },
  preapply: { interrupts: true, current: 'dom0' },
  apply: { interrupts: false, current: 'idle' },
  postapply: { interrupts: true, current: 'idle' },
  prerevert: { interrupts: true, current: 'dom0' },
  revert: { interrupts: false, current: 'idle' },
  postrevert: { interrupts: true, current: 'idle' },
};

const contextOf = (kind: HookKind): RunContext => ({ cpu: 0, ...CONTEXTS[kind] });

function enter(
  hv: Hypervisor,
  payload: LoadedPayload,
  kind: HookKind,
  address: Address,
  run: (code: CodeRunner) => bigint,
): bigint {
  return within(hv, pointerText(address, hv.arch.elf.pointerSize), () => {
    // A pointer to no code faults; that is known without running any.
    if (hv.code === null) {
      hv.machine.space.fetch(address);
      const symbol = payload.symtab.find(({ value }) => value === address)?.name ?? symbolText(hv, address);
      const missing = missingCpu(hv.options);
      throw new HostStop({ kind: 'hook', hook: { payload: payload.name, kind, address, symbol, missing } });
    }
    refuseIndirectCall(hv, address);
    return run(hv.code);
  });
}

/** Stops the host if it tracks indirect branches and the hook does not start with an ENDBR64. */
function refuseIndirectCall(hv: Hypervisor, address: Address): void {
  const { indirectBranchTracking } = patchingHost(hv).cet;
  if (!indirectBranchTracking || hv.machine.space.permissionAt(address)?.execute !== true) return;
  const text = hv.arch.execution.refusesIndirectCall(address, hv.machine.space);
  if (text === null) return;
  const why = `the hook ${symbolText(hv, address)} does not start with an ENDBR64, and this host tracks indirect branches`;
  throw new HostStop({ kind: 'fatal', head: [], text, why });
}

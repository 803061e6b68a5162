import { pointerText } from '../base/index.ts';
import type { AddressRange } from '../xen/index.ts';
import type { Hypervisor } from './hypervisor.ts';
import { symbolText } from './symbol-text.ts';
import type { TrappedState } from './traps.ts';

export function executionState(hv: Hypervisor, { registers, cpu }: TrappedState): string[] {
  const at = registers.get('rip') ?? 0n;
  return [`CPU:    ${cpu}`, `RIP:    e008:[<${pointerText(at)}>] ${symbolText(hv, at)}`];
}

export function doubleFault(hv: Hypervisor, stack: AddressRange): string[] {
  return ['*** DOUBLE FAULT ***'];
}

import { PAGE_KINDS, PAGE_SIZE } from '../arch/index.ts';
import { type Address, addOffset, viewOf } from '../base/index.ts';
import type { AddressRange } from '../xen/index.ts';
import type { RunContext } from './code-runner.ts';
import type { Hypervisor } from './hypervisor.ts';

export class HypervisorStacks {
  constructor(hv: Hypervisor) {}
  enter(context: RunContext): Address { return 0n; }
  range(cpu: number): AddressRange { return {start:0n,end:0n}; }
}

import { PAGE_KINDS, PAGE_SIZE } from '../arch/index.ts';
import { type Address, addOffset, viewOf } from '../base/index.ts';
import type { AddressRange } from '../xen/index.ts';
import type { RunContext } from './code-runner.ts';
import type { Hypervisor } from './hypervisor.ts';

const STACK = 0x8000,
  PRIMARY = 0x2000,
  INFO = 264;
export class HypervisorStacks {
  readonly #hv: Hypervisor;
  readonly #mapped = new Set<number>();
  constructor(hv: Hypervisor) {
    this.#hv = hv;
  }
  enter(context: RunContext): Address {
    const { end } = this.range(context.cpu);
    if (!this.#mapped.has(context.cpu)) {
      this.#mapped.add(context.cpu);
      this.#hv.machine.space.map(addOffset(end, -PRIMARY), new Uint8Array(PRIMARY), PAGE_KINDS.RW);
    }
    return addOffset(end, -INFO - 256);
  }
  ranges(): AddressRange[] {
    return [...this.#mapped].map((cpu) => this.range(cpu));
  }
  range(cpu: number): AddressRange {
    const { stacks, stackDistance } = this.#hv.arch.execution.layout;
    const end = addOffset(stacks, STACK - cpu * stackDistance);
    return { start: addOffset(end, -PRIMARY), end };
  }
}

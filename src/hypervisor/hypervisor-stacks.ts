import { type Cpu, type CurrentHost, PAGE_KINDS, PAGE_SIZE } from '../arch/index.ts';
import { type Address, addOffset } from '../base/index.ts';
import type { AddressRange } from '../xen/index.ts';
import type { RunContext } from './code-port.ts';
import type { Hypervisor } from './hypervisor.ts';
import { HypervisorObjects } from './hypervisor-objects.ts';

/** The stack of each simulated CPU, and the data at its top, or in a register, that tells code its CPU and vCPU. */
export class HypervisorStacks {
  readonly #hv: Hypervisor;
  readonly #objects: HypervisorObjects;
  readonly #mapped = new Set<number>();
  readonly #ranges = new Map<number, AddressRange>();
  readonly #host: CurrentHost;

  constructor(hv: Hypervisor) {
    this.#hv = hv;
    this.#host = currentHost(hv);
    this.#objects = new HypervisorObjects(hv, this.#host);
  }

  /** Prepares a CPU for a call and returns the initial stack pointer. */
  enter({ cpu, current }: RunContext, processor: Cpu): Address {
    const { end } = this.range(cpu);
    if (!this.#mapped.has(cpu)) this.#map(cpu);
    return this.#hv.arch.execution.setCurrent(this.#host, processor, {
      processorId: cpu,
      vcpu: current === 'dom0' ? this.#objects.dom0Vcpu() : this.#objects.idleVcpu(cpu),
      perCpuOffset: this.#objects.perCpuOffset(cpu),
      stackEnd: end,
    });
  }

  /** Returns the part of a CPU's stack that its code may use. */
  range(cpu: number): AddressRange {
    const known = this.#ranges.get(cpu);
    if (known !== undefined) return known;
    const { layout, stacks } = this.#hv.arch.execution;
    const lowest = addOffset(layout.stacks, -cpu * layout.stackDistance);
    const end = addOffset(lowest, stacks.size);
    let start = end;
    // Go down from the top to the first page with another use.
    for (let page = addOffset(end, -PAGE_SIZE); page >= lowest && this.#isUsable(page); page -= BigInt(PAGE_SIZE)) {
      start = page;
    }
    const range = { start, end };
    this.#ranges.set(cpu, range);
    return range;
  }

  /** Returns the memory of all stacks and of {@link HypervisorObjects}. */
  ranges(): AddressRange[] {
    return [...[...this.#mapped].map((cpu) => this.range(cpu)), this.#objects.range()];
  }

  #isUsable(page: Address): boolean {
    const { release, options, arch } = this.#hv;
    return arch.execution.stacks.usable(page, release, options.debugBuild);
  }

  #map(cpu: number): void {
    const { start, end } = this.range(cpu);
    this.#hv.machine.space.map(start, new Uint8Array(Number(end - start)), PAGE_KINDS.RW);
    this.#mapped.add(cpu);
  }
}

function currentHost({ image, release, options, symbols, machine }: Hypervisor): CurrentHost {
  return {
    release,
    debugBuild: options.debugBuild,
    text: () => image.bytes(image.core.textStart, Number(image.core.textEnd - image.core.textStart)),
    symbol: (name) => symbols.byName(name),
    write: (address, bytes) => machine.space.write(address, bytes),
  };
}

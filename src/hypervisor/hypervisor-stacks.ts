import { PAGE_KINDS, PAGE_SIZE } from '../arch/index.ts';
import { type Address, addOffset, viewOf } from '../base/index.ts';
import { type AddressRange, type CpuInfoFound, imageCpuInfo, STACK_SIZE, stackPage } from '../xen/index.ts';
import type { RunContext } from './code-runner.ts';
import { executionOf, type Hypervisor } from './hypervisor.ts';
import { HypervisorObjects } from './hypervisor-objects.ts';

/** What the hypervisor's own functions have on the stack when they call a hook, in bytes. As measured of apply_payload in 4.17.7. */
const CALLERS = 256;

/** CR4 as the hypervisor runs: PAE, PGE, OSFXSR and so on. Only code that reads it sees it. */
export const CR4 = 0x5506e0n;

/**
 * The stack of each simulated CPU, with `struct cpu_info` at its end: code finds its CPU's number, `current` and its per-CPU area by the
 * stack pointer. Source: xen/arch/x86/include/asm/current.h.
 */
export class HypervisorStacks {
  readonly #hv: Hypervisor;
  readonly #objects: HypervisorObjects;
  readonly #mapped = new Map<number, Uint8Array>();
  readonly #ranges = new Map<number, AddressRange>();
  #offsets: CpuInfoFound | undefined;

  constructor(hv: Hypervisor) {
    this.#hv = hv;
    this.#objects = new HypervisorObjects(hv);
  }

  /** Makes a CPU's stack ready for a call, and gives the stack pointer to begin with. */
  enter({ cpu, current }: RunContext): Address {
    const bytes = this.#stack(cpu);
    const { end } = this.range(cpu);
    const vcpu = current === 'dom0' ? this.#objects.dom0Vcpu(this.#layout) : this.#objects.idleVcpu(cpu, this.#layout);
    const view = viewOf(bytes);
    const at = (offset: number): number => bytes.length + offset;
    const { processorId, currentVcpu, perCpuOffset, userRegs } = this.#layout;
    view.setUint32(at(processorId), cpu, true);
    view.setBigUint64(at(currentVcpu), vcpu, true);
    view.setBigUint64(at(perCpuOffset), this.#objects.perCpuOffset(cpu), true);
    // CR4 is next to it in all releases.
    view.setBigUint64(at(perCpuOffset + 8), CR4, true);
    return addOffset(end, userRegs - CALLERS);
  }

  /** What a CPU's code may use of its stack. */
  range(cpu: number): AddressRange {
    const known = this.#ranges.get(cpu);
    if (known !== undefined) return known;
    const { stacks, stackDistance } = executionOf(this.#hv).layout;
    const end = addOffset(stacks, STACK_SIZE - cpu * stackDistance);
    let start = end;
    // Downwards from the top, to the first page that is for something else.
    for (let page = addOffset(end, -PAGE_SIZE); this.#isPrimary(page); page = addOffset(page, -PAGE_SIZE)) start = page;
    const range = { start, end };
    this.#ranges.set(cpu, range);
    return range;
  }

  /** All memory of stacks, and of what the hypervisor has allocated. */
  ranges(): AddressRange[] {
    return [...[...this.#mapped.keys()].map((cpu) => this.range(cpu)), this.#objects.range()];
  }

  #isPrimary(page: Address): boolean {
    const { release, options } = this.#hv;
    return stackPage(page, release, options.debugBuild) === 'primary';
  }

  #stack(cpu: number): Uint8Array {
    const known = this.#mapped.get(cpu);
    if (known !== undefined) return known;
    const { start, end } = this.range(cpu);
    const bytes = new Uint8Array(Number(end - start));
    this.#hv.machine.space.map(start, bytes, PAGE_KINDS.RW);
    this.#mapped.set(cpu, bytes);
    return bytes;
  }

  get #layout(): CpuInfoFound {
    if (this.#offsets === undefined) {
      const { image, release } = this.#hv;
      const { textStart, textEnd } = image.core;
      this.#offsets = imageCpuInfo(image.bytes(textStart, Number(textEnd - textStart)), release);
    }
    return this.#offsets;
  }
}

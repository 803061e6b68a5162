import { type CurrentHost, PAGE_KINDS, PAGE_SIZE } from '../arch/index.ts';
import { type Address, addOffset, setWord, viewOf } from '../base/index.ts';
import type { AddressRange, DomainLayout } from '../xen/index.ts';
import type { Hypervisor } from './hypervisor.ts';

/** DOMID_IDLE. Source: xen/include/public/xen.h. */
const DOMID_IDLE = 0x7fff;

/** Pages per domain and per vCPU; neither structure is larger. */
const DOMAIN_PAGES = 1;
const VCPU_PAGES = 1;

/** Layout in pages from the start. Then follow each CPU's idle vCPU and per-CPU area. */
const IDLE_DOMAIN = 0;
const DOM0 = DOMAIN_PAGES;
const DOM0_VCPU = 2 * DOMAIN_PAGES;
const CPUS = DOM0_VCPU + VCPU_PAGES;

/**
 * Objects that a host has allocated by the end of its boot and that code reaches directly: two domains, their vCPUs, and the per-CPU areas.
 * All zero except for ids and pointers to each other, since the other contents of a booted host are unknown.
 */
export class HypervisorObjects {
  readonly #hv: Hypervisor;
  readonly #host: CurrentHost;
  #members: DomainLayout | undefined;
  readonly #start: Address;
  /** Size of one per-CPU area in bytes, in whole pages. */
  readonly #area: number;
  readonly #mapped = new Set<number>();

  constructor(hv: Hypervisor, host: CurrentHost) {
    this.#hv = hv;
    this.#host = host;
    this.#start = hv.arch.execution.layout.objects;
    const from = hv.image.linker('__per_cpu_start') ?? 0n;
    const to = hv.image.linker('__per_cpu_data_end') ?? from;
    const size = to > from ? Number(to - from) : 0;
    this.#area = Math.ceil(Math.min(size, 1 << 20) / PAGE_SIZE) * PAGE_SIZE;
    this.#point();
  }

  /** Returns the vCPU that runs on a CPU when no other does. */
  idleVcpu(cpu: number): Address {
    const vcpu = this.#idleVcpuAddress(cpu);
    this.#domain(IDLE_DOMAIN, DOMID_IDLE);
    this.#vcpu(vcpu, cpu, this.#at(IDLE_DOMAIN));
    return vcpu;
  }

  /** Returns d0v0, which makes the hypercalls. */
  dom0Vcpu(): Address {
    this.#domain(DOM0, 0);
    this.#vcpu(this.#at(DOM0_VCPU), 0, this.#at(DOM0));
    return this.#at(DOM0_VCPU);
  }

  /** Returns the offset to add to a per-CPU variable's address. CPU 0 uses the area of the image itself. Source: xen/arch/x86/percpu.c. */
  perCpuOffset(cpu: number): bigint {
    if (cpu === 0 || this.#area === 0) return 0n;
    const area = this.#areaAddress(cpu);
    this.#map(area, this.#area);
    return BigInt.asUintN(64, area - (this.#hv.image.linker('__per_cpu_start') ?? 0n));
  }

  range(): AddressRange {
    const cpus = this.#hv.machine.cpus.length;
    return { start: this.#start, end: addOffset(this.#cpu(cpus), 0) };
  }

  /** Sets the hypervisor's own pointers to these objects, as a boot does. */
  #point(): void {
    const { symbols, machine, arch } = this.#hv;
    const { pointerSize } = arch.elf;
    const { length } = machine.cpus;
    const set = (name: string, values: readonly Address[]): void => {
      const address = symbols.byName(name);
      if (address === 0n) return;
      const bytes = new Uint8Array(pointerSize * values.length);
      const view = viewOf(bytes);
      for (const [i, value] of values.entries()) setWord(view, pointerSize * i, pointerSize, value);
      if (machine.space.span(address, bytes.length) !== undefined) machine.space.write(address, bytes);
    };
    const cpus = Array.from({ length }, (_, cpu) => cpu);
    set(
      'idle_vcpu',
      cpus.map((cpu) => this.#idleVcpuAddress(cpu)),
    );
    const start = this.#hv.image.linker('__per_cpu_start') ?? 0n;
    const offsets = cpus.map((cpu) => (cpu === 0 ? 0n : BigInt.asUintN(64, this.#areaAddress(cpu) - start)));
    if (this.#area > 0) set('__per_cpu_offset', offsets);
    set('hardware_domain', [this.#at(DOM0)]);
  }

  #at = (page: number): Address => addOffset(this.#start, page * PAGE_SIZE);
  #cpu = (cpu: number): Address => addOffset(this.#at(CPUS), cpu * (VCPU_PAGES * PAGE_SIZE + this.#area));
  #idleVcpuAddress = (cpu: number): Address => this.#cpu(cpu);
  #areaAddress = (cpu: number): Address => addOffset(this.#cpu(cpu), VCPU_PAGES * PAGE_SIZE);

  get #layout(): DomainLayout {
    this.#members ??= this.#hv.arch.execution.guestLayout(this.#host);
    return this.#members;
  }

  #domain(page: number, id: number): void {
    if (!this.#map(this.#at(page), DOMAIN_PAGES * PAGE_SIZE)) return;
    const address = addOffset(this.#at(page), this.#layout.domainId);
    this.#hv.machine.space.write(address, Uint8Array.of(id & 0xff, id >> 8));
  }

  #vcpu(address: Address, id: number, domain: Address): void {
    if (!this.#map(address, VCPU_PAGES * PAGE_SIZE)) return;
    const { pointerSize } = this.#hv.arch.elf;
    const fields = new DataView(new ArrayBuffer(16));
    fields.setUint32(0, id, true);
    setWord(fields, 8, pointerSize, domain);
    const { vcpuId, vcpuDomain } = this.#layout;
    this.#hv.machine.space.write(addOffset(address, vcpuId), new Uint8Array(fields.buffer, 0, 4));
    this.#hv.machine.space.write(addOffset(address, vcpuDomain), new Uint8Array(fields.buffer, 8, pointerSize));
  }

  /** Returns false if the memory is mapped already. */
  #map(address: Address, length: number): boolean {
    const page = Number((address - this.#start) / BigInt(PAGE_SIZE));
    if (this.#mapped.has(page)) return false;
    this.#mapped.add(page);
    this.#hv.machine.space.map(address, new Uint8Array(length), PAGE_KINDS.RW);
    return true;
  }
}

import { type Address, addOffset } from '../../base/index.ts';
import { type CpuInfoFound, type DomainLayout, guestLayout, imageCpuInfo } from '../../xen/index.ts';
import type { CurrentCpu, CurrentHost } from '../execution.ts';

/** CR4 of the running hypervisor: PAE, PGE, OSFXSR and so on. Only code that reads CR4 sees it. */
export const CR4 = 0x5506e0n;

/** Stack that the hypervisor's own functions use when they call a hook, in bytes. Measured for apply_payload in 4.17.7. */
const CALLERS = 256;

/** Cache by host, so that each image is searched once. */
const FOUND = new WeakMap<CurrentHost, CpuInfoFound>();

function layoutOf(host: CurrentHost): CpuInfoFound {
  const known = FOUND.get(host) ?? imageCpuInfo(host.text(), host.release);
  FOUND.set(host, known);
  return known;
}

/** Returns the layout that the image's code uses. */
export const guestLayoutOf = (host: CurrentHost): DomainLayout => ({
  ...guestLayout(host.release, 8),
  vcpuDomain: layoutOf(host).vcpuDomain,
});

/**
 * Fills `struct cpu_info` at the end of the CPU's stack, where code finds its CPU's number, `current` and its per-CPU area.
 * Source: xen/arch/x86/include/asm/current.h.
 */
export function setCurrent(host: CurrentHost, _cpu: unknown, current: CurrentCpu): Address {
  const { processorId, currentVcpu, perCpuOffset, userRegs } = layoutOf(host);
  const at = (offset: number, bytes: 4 | 8, value: bigint): void => {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, value, true);
    host.write(addOffset(current.stackEnd, offset), new Uint8Array(view.buffer, 0, bytes));
  };
  at(processorId, 4, BigInt(current.processorId));
  at(currentVcpu, 8, current.vcpu);
  at(perCpuOffset, 8, BigInt.asUintN(64, current.perCpuOffset));
  // CR4 follows it in all releases.
  at(perCpuOffset + 8, 8, CR4);
  return addOffset(current.stackEnd, userRegs - CALLERS);
}

import type { Address } from '../base/index.ts';
import { MemoryFault } from '../machine/index.ts';
import type { Hypervisor } from './hypervisor.ts';

/**
 * Throws a {@link MemoryFault} if the processor faults on a word at this address. 32-bit Arm does unless the address is a multiple of the
 * word's size, because Xen sets HSCTLR.A there.
 */
export function checkAligned(hv: Hypervisor, address: Address, width: 2 | 4 | 8, kind: 'read' | 'write'): void {
  const { alignmentFault } = hv.arch;
  if (alignmentFault === null || (address & BigInt(Math.min(width, hv.arch.elf.pointerSize) - 1)) === 0n) return;
  throw new MemoryFault({ kind: 'page-fault', address, errorCode: alignmentFault(kind === 'write') });
}

import type { Address } from '../base/index.ts';
import { MemoryFault } from '../machine/index.ts';
import type { Hypervisor } from './hypervisor.ts';

/**
 * What the hypervisor's code does to a word of memory, as far as the processor minds where the word lies: 32-bit Arm, where the hypervisor runs
 * with alignment checks (HSCTLR.A), refuses one that is not at a multiple of its size. Throws a {@link MemoryFault}.
 */
export function checkAligned(hv: Hypervisor, address: Address, width: 2 | 4 | 8, kind: 'read' | 'write'): void {
  const { alignmentFault } = hv.arch;
  if (alignmentFault === null || (address & BigInt(Math.min(width, hv.arch.elf.pointerSize) - 1)) === 0n) return;
  throw new MemoryFault({ kind: 'page-fault', address, errorCode: alignmentFault(kind === 'write') });
}

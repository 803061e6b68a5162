import type { Address } from '../base/index.ts';

/** The hypervisor's memory as its own code sees it, with the permissions of the page tables. Throws faults. */
export interface CodeMemory {
  read(address: Address, length: number): Uint8Array;
  write(address: Address, bytes: Uint8Array): void;
}

import { type Address, pointerText } from '../base/index.ts';
import type { AddressSpace } from './address-space.ts';

/** INVALID_M2P_ENTRY: memory of the hypervisor has no frame number of a guest. */
const NO_GUEST_FRAME = 'f'.repeat(16);

/**
 * The lines of Xen's page-table walk: heading, then one line a level, down to the leaf or the first entry that is not present.
 * Entries are raw. Source: arch/x86/x86_64/traps.c, show_page_walk.
 */
export function pageTableWalk(space: AddressSpace, address: Address): string[] {
  const lines = [`Pagetable walk from ${pointerText(address)}:`];
  for (const { level, index, entry, superpage } of space.walk(address)) {
    const place = ` ${level}[0x${index.toString(16).padStart(3, '0')}]`;
    lines.push(`${place} = ${pointerText(entry)} ${NO_GUEST_FRAME}${superpage ? ' (PSE)' : ''}`);
  }
  return lines;
}

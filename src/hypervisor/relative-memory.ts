import type { RelativeMemory } from '../arch/index.ts';
import { type Address, addOffset, viewOf } from '../base/index.ts';
import type { AddressSpace } from '../machine/index.ts';

/**
 * Returns memory relative to `base`, the address of `window`'s first byte. Accesses inside the window go straight to the bytes and ignore
 * permissions, so the memory must be writable; others go through the page tables and may fault.
 */
export function relativeMemory(space: AddressSpace, base: Address, window: Uint8Array): RelativeMemory {
  const view = viewOf(window);
  const inside = (offset: number, length: number): boolean => offset >= 0 && offset + length <= window.length;
  return {
    base,
    read: (offset, length) =>
      inside(offset, length) ? window.subarray(offset, offset + length) : space.read(addOffset(base, offset), length),
    copy: (offset, length, to) => {
      if (inside(offset, length)) for (let i = 0; i < length; i++) to[i] = window[offset + i] as number;
      else to.set(space.read(addOffset(base, offset), length));
    },
    readI32: (offset) => (inside(offset, 4) ? view.getInt32(offset, true) : space.readU32(addOffset(base, offset)) | 0),
    write: (offset, bytes) => {
      if (!inside(offset, bytes.length)) space.write(addOffset(base, offset), bytes);
      else for (let i = 0; i < bytes.length; i++) window[offset + i] = bytes[i] as number;
    },
  };
}

import { PAGE_KINDS } from '../arch/index.ts';
import { type Address, addOffset, assert } from '../base/index.ts';
import { PAGE_SIZE } from '../xen/index.ts';
import type { Hypervisor } from './hypervisor.ts';

/** Bytes from the start of VMAP_DEFAULT to the image's second mapping. On a real host this depends on earlier mappings: devices, idle stacks. */
const OFFSET = 0x80_0000;

/** Returns the image's start and size: `_start` to `_end`. */
function imageRange(hv: Hypervisor): { readonly start: Address; readonly pages: number } {
  const start = hv.image.linker('_start') ?? 0n;
  const end = hv.image.linker('_end') ?? start;
  const needed = Math.ceil(Number(end - start) / PAGE_SIZE);
  // get_order_from_bytes: a power of two.
  return { start, pages: 2 ** Math.ceil(Math.log2(Math.max(1, needed))) };
}

/**
 * Maps the hypervisor's image a second time as writable, as arch_livepatch_quiesce does on Arm. Parts that are no longer mapped, like init,
 * stay unmapped here; on a real host their frames belong to others by then. Returns false if the range is not free.
 */
export function mapTextAlias(hv: Hypervisor): boolean {
  const { space } = hv.machine;
  const { start, pages } = imageRange(hv);
  const alias = addOffset(hv.arch.vmapDefault(hv.release), OFFSET);
  if (!space.mappable(alias, pages * PAGE_SIZE)) return false;
  for (let page = 0; page < pages; page++) {
    const at = page * PAGE_SIZE;
    space.alias(addOffset(alias, at), addOffset(start, at), 1, PAGE_KINDS.RW);
  }
  hv.textAlias = alias;
  return true;
}

export function unmapTextAlias(hv: Hypervisor): void {
  if (hv.textAlias === null) return;
  hv.machine.space.unmap(hv.textAlias, imageRange(hv).pages);
  hv.textAlias = null;
}

/** Returns `address - _start + vmap_of_xen_text` in the architecture's arithmetic; an address outside the image may map anywhere. */
export function textAliasOf(hv: Hypervisor, address: Address): Address {
  const { textAlias } = hv;
  assert(textAlias !== null, 'functions are patched inside the window');
  const { start } = imageRange(hv);
  return BigInt.asUintN(hv.arch.elf.pointerSize * 8, address - start + textAlias);
}

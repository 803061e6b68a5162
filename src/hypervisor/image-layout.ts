import type { ImageRegion, VirtualRegion } from '../arch/index.ts';
import { type Address, hexAddress, XspliceError } from '../base/index.ts';
import { type AddressRange, PAGE_SIZE } from '../xen/index.ts';

/** Largest image in bytes: a real one takes about 8 MiB, and Xen maps no more than 16. */
const IMAGE_MAX = 0x400_0000n;

const HINT = 'the file is damaged or not a xen-syms: use the one of the running hypervisor';

/** Returns the error for an image that describes itself inconsistently. */
export const badImage = (message: string): XspliceError => new XspliceError('EIMAGE', message, HINT);

const aligned = (address: Address): boolean => address % BigInt(PAGE_SIZE) === 0n;

const inside = (start: Address, end: Address, region: ImageRegion): boolean =>
  region.start <= start && start <= end && end <= region.end;

/**
 * Checks that the linker's symbols describe an image that can run: its parts must be whole pages in ascending order at Xen's link address, and
 * the core's text and constants must be inside theirs. Throws EIMAGE.
 * Sources: xen/arch/x86/xen.lds.S, xen/arch/arm/xen.lds.S.
 */
export function checkLayout(regions: readonly ImageRegion[], core: VirtualRegion, linkable: AddressRange): void {
  let last = linkable.start;
  for (const { name, start, end } of regions) {
    if (start < last || end < start || end > linkable.end || !aligned(start) || !aligned(end)) {
      throw badImage(`the image's ${name} cannot be at ${hexAddress(start)} to ${hexAddress(end)}`);
    }
    last = end;
  }
  const [text, rodata] = regions as readonly [ImageRegion, ImageRegion];
  const size = last - text.start;
  if (size > IMAGE_MAX) throw badImage(`the image takes ${size} bytes of memory, more than ${IMAGE_MAX}`);
  if (core.textStart === core.textEnd || !inside(core.textStart, core.textEnd, text)) {
    throw badImage(
      `_stext and _etext, ${hexAddress(core.textStart)} and ${hexAddress(core.textEnd)}, are outside its text`,
    );
  }
  if (!inside(core.rodataStart, core.rodataEnd, rodata)) {
    throw badImage(
      `_srodata and _erodata, ${hexAddress(core.rodataStart)} and ${hexAddress(core.rodataEnd)}, are outside its constants`,
    );
  }
}

/** Checks that VMAP_XEN starts on a page after the image and has room for its bitmap and a payload. Throws EIMAGE. */
export function checkVmapXen(vmap: AddressRange, imageEnd: Address, release: string): AddressRange {
  const least = vmap.start + 16n * BigInt(PAGE_SIZE);
  if (vmap.start >= imageEnd && aligned(vmap.start) && aligned(vmap.end) && least <= vmap.end) return vmap;
  const range = `${hexAddress(vmap.start)} to ${hexAddress(vmap.end)}`;
  throw badImage(`the memory layout of ${release} leaves this image no room for payloads: ${range}`);
}

/** Parses CONFIG_NR_CPUS; returns `undefined` for a value that Kconfig rejects. Source: xen/arch/Kconfig, `range 1 16383`. */
export function nrCpus(value: string | undefined): number | undefined {
  if (value === undefined || !/^\d{1,5}$/.test(value)) return undefined;
  const count = Number(value);
  return count >= 1 && count <= 16383 ? count : undefined;
}

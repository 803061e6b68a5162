import type { Address } from '../base/index.ts';
import { PAGE_SIZE } from './limits.ts';
import type { Release } from './release.ts';

/** Architectures with live patches, named like their rooms. */
export type XenArch = 'x86_64' | 'arm64' | 'arm32';

/** A range of hypervisor addresses: `start` inclusive, `end` exclusive. */
export interface AddressRange {
  readonly start: Address;
  readonly end: Address;
}

/** XEN_VIRT_START and XEN_VIRT_END of x86. Source: asm/config.h. 4.14 made room for the executable fixmap. */
const X86: Readonly<Record<Release['x86Layout'], AddressRange & { readonly hasFixaddrX: boolean }>> = {
  '4.7': { start: 0xffff_82d0_8000_0000n, end: 0xffff_82d0_c000_0000n, hasFixaddrX: false },
  '4.14': { start: 0xffff_82d0_4000_0000n, end: 0xffff_82d0_8000_0000n, hasFixaddrX: true },
};

/** Returns XEN_VIRT_START … XEN_VIRT_END, the 1 GiB with x86's image, payloads and stubs. */
export const x86XenVirt = (release: Pick<Release, 'x86Layout'>): AddressRange => {
  const { start, end } = X86[release.x86Layout];
  return { start, end };
};

/** SLOT0(n) of arm64: the range that the nth entry of the root table maps. */
const slot0 = (n: bigint): Address => n << 39n;
const MiB = 0x10_0000n;

/** Returns the area after the first 2 MiB of Xen's slot: 8 MiB for Xen, 2 MiB fixmap, 4 MiB device tree. Source: asm/mmu/layout.h. */
const behindImage = (slot: Address): AddressRange => ({ start: slot + 16n * MiB, end: slot + 18n * MiB });

/** LIVEPATCH_VMAP of 4.8 … 4.17. Source: asm-arm/config.h. */
const ARM_4_8: AddressRange = { start: 10n * MiB, end: 12n * MiB };

const ARM: Readonly<Record<Release['armLayout'], Readonly<Record<'arm64' | 'arm32', AddressRange>>>> = {
  '4.8': { arm64: ARM_4_8, arm32: ARM_4_8 },
  '4.18': { arm64: behindImage(slot0(4n)), arm32: behindImage(0n) },
  '4.19': { arm64: behindImage(slot0(20n)), arm32: behindImage(0n) },
};

/** Default of CONFIG_NR_CPUS on x86. Source: xen/arch/Kconfig. */
export const X86_DEFAULT_NR_CPUS = 256;

/** Pages of x86's executable fixmap: one, plus one with CONFIG_HYPERV_GUEST. Source: asm/fixmap.h, since 4.14. */
export const fixaddrXSize = (hypervGuest: boolean): number => (hypervGuest ? 2 : 1) * PAGE_SIZE;

/** Facts of an x86 image that determine its VMAP_XEN. */
export interface X86VmapImage {
  /** Symbol `_end`. */
  readonly end: Address;
  /** Symbol `__2M_rwdata_end`; needed if `Release.vmapStart` says so. */
  readonly rwdataEnd: Address | undefined;
  /** CONFIG_NR_CPUS. */
  readonly nrCpus: number;
  /** CONFIG_HYPERV_GUEST. */
  readonly hypervGuest: boolean;
}

const roundUpTo = (address: Address, alignment: bigint): Address =>
  ((address + alignment - 1n) / alignment) * alignment;

/**
 * Returns the bounds of VMAP_XEN on x86: from the end of the image to the stubs, one page per CPU, at the end of the gigabyte. If an
 * image should have `__2M_rwdata_end` but lacks it, uses `_end` rounded up to a page: the linker script aligns to at least a page.
 * Source: x86/setup.c, xen_virt_end; x86/mm.c, arch_vmap_virt_end.
 */
export function x86VmapXen(release: Pick<Release, 'x86Layout' | 'vmapStart'>, image: X86VmapImage): AddressRange {
  const { end, hasFixaddrX } = X86[release.x86Layout];
  const fixaddr = hasFixaddrX ? fixaddrXSize(image.hypervGuest) : 0;
  const start =
    release.vmapStart === 'round-up-end'
      ? roundUpTo(image.end, 2n * MiB)
      : (image.rwdataEnd ?? roundUpTo(image.end, BigInt(PAGE_SIZE)));
  return { start, end: end - BigInt(fixaddr + image.nrCpus * PAGE_SIZE) };
}

/** Returns the bounds of VMAP_XEN on Arm. vm_init_type rounds the end up so far that the allocator never reaches it. */
export const armVmapXen = (release: Pick<Release, 'armLayout'>, arch: 'arm64' | 'arm32'): AddressRange =>
  ARM[release.armLayout][arch];

/** XEN_VIRT_START of arm64: 2 MiB into Xen's slot. Source: asm-arm/config.h, asm/mmu/layout.h. */
const ARM64_XEN: Readonly<Record<Release['armLayout'], Address>> = {
  '4.8': 2n * MiB,
  '4.18': slot0(4n) + 2n * MiB,
  '4.19': slot0(20n) + 2n * MiB,
};

/** Returns the layout of an arm64 image linked to this address, or `undefined`. */
export const arm64Layout = (start: Address): Release['armLayout'] | undefined =>
  (Object.keys(ARM64_XEN) as Release['armLayout'][]).find((layout) => ARM64_XEN[layout] === start);

/** VMAP_VIRT_START of arm64, the start of VMAP_DEFAULT: 1 GiB into Xen's slot. Source: asm-arm/config.h, asm/mmu/layout.h. */
const ARM64_VMAP: Readonly<Record<Release['armLayout'], Address>> = {
  '4.8': 1n << 30n,
  '4.18': slot0(4n) + (1n << 30n),
  '4.19': slot0(20n) + (1n << 30n),
};

export const arm64VmapDefault = ({ armLayout }: Pick<Release, 'armLayout'>): Address => ARM64_VMAP[armLayout];

/** The same for arm32. */
export const ARM32_VMAP_DEFAULT: Address = 0x1000_0000n;

import type { Address } from '../base/index.ts';
import type { AddressRange, Release } from '../xen/index.ts';
import type { LinkerSymbolName } from './linker-symbol-names.ts';
import type { RelativeMemory } from './relative-memory.ts';

/** A piece of the image with one permission, page aligned. */
export interface ImageRegion {
  readonly name: 'text' | 'rodata' | 'init' | 'rwdata';
  readonly start: Address;
  readonly end: Address;
}

/** What an image says of itself, as far as an architecture's rules need it. */
export interface ImageFacts {
  /** One of the linker's symbols. Throws EIMAGE where the image has none of that name. */
  needed(name: LinkerSymbolName): Address;
  linker(name: LinkerSymbolName): Address | undefined;
  configured(option: string): boolean;
  /** CONFIG_NR_CPUS, where the image says so. */
  readonly nrCpus: number | undefined;
}

/** How an architecture's images are made. */
export interface ImageRules {
  /** As messages call it: `x86-64`. */
  readonly title: string;
  /** Where an image can be linked to. */
  readonly linkable: AddressRange;
  /** The hypervisor maps itself with large pages where it can. */
  readonly superpages: boolean;
  /** The pieces, in ascending order: text first, then the constants. */
  regions(image: ImageFacts): readonly ImageRegion[];
  /** Bounds of VMAP_XEN. */
  vmapXen(image: ImageFacts, release: Release): AddressRange;
  /** What the addresses in the embedded symbol table count from; `pointers` where they are addresses. */
  symbolsOrigin(release: Release): Address | 'pointers';
  /** The number that a function returns which does nothing else; `undefined` where it does. `code` is its first bytes. */
  constantReturned(code: Uint8Array): number | undefined;
  /** Bytes of the instruction that loads that number. */
  readonly constantSize: number;
  /** The same for an address; `at` is that of the code. */
  addressReturned(code: Uint8Array, at: Address): Address | undefined;
  /**
   * What Xen does to its own code while it boots, besides alternatives. `memory` is the image's; `pointers` gives the table of
   * pointers between two of the linker's symbols, of no bytes where there is none.
   */
  finish(
    memory: RelativeMemory,
    pointers: (start: LinkerSymbolName, end: LinkerSymbolName) => DataView,
    core: AddressRange,
  ): void;
}

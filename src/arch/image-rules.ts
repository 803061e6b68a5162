import type { Address } from '../base/index.ts';
import type { AddressRange, Release } from '../xen/index.ts';
import type { LinkerSymbolName } from './linker-symbol-names.ts';
import type { RelativeMemory } from './relative-memory.ts';

/** A page-aligned part of the image with one permission. */
export interface ImageRegion {
  readonly name: 'text' | 'rodata' | 'init' | 'rwdata';
  readonly start: Address;
  readonly end: Address;
}

/** The facts about an image that an architecture's rules need. */
export interface ImageFacts {
  /** Returns a linker symbol's address. Throws EIMAGE if the image lacks it. */
  needed(name: LinkerSymbolName): Address;
  linker(name: LinkerSymbolName): Address | undefined;
  configured(option: string): boolean;
  /** CONFIG_NR_CPUS, if the image has its configuration. */
  readonly nrCpus: number | undefined;
}

/** How an architecture lays out its images. */
export interface ImageRules {
  /** The architecture's name in messages: `x86-64`. */
  readonly title: string;
  /** Range of possible link addresses. */
  readonly linkable: AddressRange;
  /** Whether the hypervisor maps itself with superpages where possible. */
  readonly superpages: boolean;
  /** Returns the regions in ascending order: text first, then read-only data. */
  regions(image: ImageFacts): readonly ImageRegion[];
  /** Returns the bounds of VMAP_XEN. */
  vmapXen(image: ImageFacts, release: Release): AddressRange;
  /** Returns the base of the offsets in the embedded symbol table; `pointers` if it holds addresses. */
  symbolsOrigin(release: Release): Address | 'pointers';
  /** Returns the constant that a function returns; `undefined` if it does anything else. `code` starts with its first bytes. */
  constantReturned(code: Uint8Array): number | undefined;
  /** Size of the instruction that loads the constant, in bytes. */
  readonly constantSize: number;
  /** Returns the address that a function returns, like {@link constantReturned}. `at` is the address of the code. */
  addressReturned(code: Uint8Array, at: Address): Address | undefined;
  /**
   * Makes the changes that Xen makes to its own code during boot, besides alternatives. `memory` is the image's; `pointers` returns the
   * table of pointers between two linker symbols, empty if the image lacks it.
   */
  finish(
    memory: RelativeMemory,
    pointers: (start: LinkerSymbolName, end: LinkerSymbolName) => DataView,
    core: AddressRange,
  ): void;
}

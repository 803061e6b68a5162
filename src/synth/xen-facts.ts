import type { Architecture } from '../arch/index.ts';
import { type Address, XspliceError } from '../base/index.ts';
import type { Image } from '../hypervisor/index.ts';
import type { Release } from '../xen/index.ts';

/** Facts about the hypervisor that a payload is built for. */
export interface XenFacts {
  readonly arch: Architecture;
  readonly release: Release;
  readonly buildId: Uint8Array;
  has(symbol: string): boolean;
  /** Returns a symbol's address. Throws an XspliceError (EIMAGE) if the hypervisor lacks the symbol. */
  address(symbol: string): Address;
  /** Returns the number of bytes up to the next symbol. */
  size(symbol: string): number;
  /** Returns the bytes at a symbol in the hypervisor's file. */
  bytes(symbol: string, length: number): Uint8Array;
}

/** Assumed size in bytes of a function without a following symbol. */
const UNKNOWN_SIZE = 12;

/** Reads the facts from an image. Symbols that its own table lacks, such as `_end`, come from the linker's. */
export function xenFacts(image: Image, release: Release): XenFacts {
  const symbols = image.symbolsFor(release);
  const find = (symbol: string): Address => {
    const known = symbols.byName(symbol);
    if (known !== 0n) return known;
    const { symbols: linked } = image.elf;
    for (let i = 1; i < linked.count; i++) if (linked.name(i) === symbol) return linked.value(i);
    return 0n;
  };
  const address = (symbol: string): Address => {
    const found = find(symbol);
    if (found === 0n) throw new XspliceError('EIMAGE', `this hypervisor has no symbol ${symbol}`);
    return found;
  };
  return {
    arch: image.arch,
    release,
    buildId: image.buildId ?? new Uint8Array(20),
    has: (symbol) => symbols.byName(symbol) !== 0n,
    address,
    size: (symbol) => symbols.at(address(symbol))?.size ?? UNKNOWN_SIZE,
    bytes: (symbol, length) => image.bytes(address(symbol), length),
  };
}

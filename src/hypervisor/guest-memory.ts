import type { Address } from '../base/index.ts';

/** The caller's memory, as copy_from_guest and copy_to_guest access it. */
export interface GuestMemory {
  /** Returns a copy, or `undefined` if the caller has no such memory. */
  read(handle: Address, length: number): Uint8Array | undefined;
  /** Returns `false` if the caller has no such memory or may not write to it. */
  write(handle: Address, bytes: Uint8Array): boolean;
  /** guest_handle_okay: always true except for PV callers. */
  okay(handle: Address, length: number): boolean;
}

/** Memory for one hypercall: each piece has its own address, followed by a hole. */
export class ScratchGuestMemory implements GuestMemory {
  readonly #okay: (address: Address) => boolean;
  readonly #pieces: { readonly start: Address; readonly bytes: Uint8Array }[] = [];
  #next: Address = 0x1000_0000n;

  /** `okay` says which addresses guest_handle_okay accepts; all by default. */
  constructor(okay: (address: Address) => boolean = () => true) {
    this.#okay = okay;
  }

  /** Places a copy of `bytes`, or that many zeroes, and returns its address. */
  place(bytes: Uint8Array | number): Address {
    const piece = { start: this.#next, bytes: typeof bytes === 'number' ? new Uint8Array(bytes) : bytes.slice() };
    this.#pieces.push(piece);
    this.#next += (BigInt(piece.bytes.length) / 4096n + 2n) * 4096n;
    return piece.start;
  }

  read(handle: Address, length: number): Uint8Array | undefined {
    const window = this.#window(handle, length);
    return window?.slice();
  }

  write(handle: Address, bytes: Uint8Array): boolean {
    if (bytes.length === 0) return true;
    const window = this.#window(handle, bytes.length);
    window?.set(bytes);
    return window !== undefined;
  }

  okay(handle: Address, _length: number): boolean {
    return this.#okay(handle);
  }

  #window(handle: Address, length: number): Uint8Array | undefined {
    for (const { start, bytes } of this.#pieces) {
      if (handle < start || handle + BigInt(length) > start + BigInt(bytes.length)) continue;
      return bytes.subarray(Number(handle - start), Number(handle - start) + length);
    }
    return undefined;
  }
}

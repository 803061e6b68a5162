import { type Address, roundUp } from '../base/index.ts';
import type { AddressSpace } from '../machine/index.ts';
import { PAGE_SIZE } from '../xen/index.ts';

/**
 * The hypervisor's copy of the uploaded file: vmalloc'ed and mapped, between guard pages. The loader bounds sections by `sh_offset + sh_size`
 * without an overflow check, so it may read anywhere.
 * Source: xen/common/livepatch.c, livepatch_upload; livepatch_elf.c, elf_resolve_sections.
 */
export class UploadBuffer {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly address: Address;
  readonly #space: AddressSpace;
  readonly #pages: number;
  /** Bits of an address. */
  readonly #bits: number;
  readonly #onWildRead: (offset: bigint) => void;

  /** Calls `onWildRead` before each read outside the file. */
  constructor(
    file: Uint8Array,
    address: Address,
    space: AddressSpace,
    onWildRead: (offset: bigint) => void = () => {},
    pointerSize: 4 | 8 = 8,
  ) {
    this.#bits = pointerSize * 8;
    const backing = new Uint8Array(roundUp(file.length, PAGE_SIZE));
    backing.set(file);
    this.bytes = backing.subarray(0, file.length);
    this.view = new DataView(backing.buffer, 0, file.length);
    this.address = address;
    this.#space = space;
    this.#onWildRead = onWildRead;
    this.#pages = backing.length / PAGE_SIZE;
    space.map(address, backing, { write: true, execute: false });
  }

  /** Returns `length` bytes at `offset`, a raw field: part of the file, or whatever memory is there. May fault. */
  at(offset: bigint, length: number): Uint8Array {
    if (offset + BigInt(length) <= BigInt(this.bytes.length)) {
      return this.bytes.subarray(Number(offset), Number(offset) + length);
    }
    this.#onWildRead(offset);
    return this.#space.read(BigInt.asUintN(this.#bits, this.address + offset), length);
  }

  /** vfree. */
  free(): void {
    this.#space.unmap(this.address, this.#pages);
  }
}

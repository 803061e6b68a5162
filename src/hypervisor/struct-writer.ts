import { type Address, addOffset, type CStruct, ensure } from '../base/index.ts';
import type { AddressSpace } from '../machine/index.ts';

/** Writes members of a structure in the hypervisor's memory by their names in the layout. */
export class StructWriter {
  readonly #space: AddressSpace;
  readonly #address: Address;
  readonly #struct: CStruct;

  constructor(space: AddressSpace, address: Address, struct: CStruct) {
    this.#space = space;
    this.#address = address;
    this.#struct = struct;
  }

  /** Whether the structure has this member in this release. */
  has(member: string): boolean {
    return this.#struct.at[member] !== undefined;
  }

  /** Zeroes the structure. */
  clear(): void {
    this.#space.write(this.#address, new Uint8Array(this.#struct.size));
  }

  /** Writes an integer with the member's size. */
  set(member: string, value: number | bigint): void {
    const type = ensure(this.#struct.table.fields[member], `struct ${this.#struct.name} has ${member}`);
    // Members that are set are integers: `u32` and so on.
    const size = Number(type.slice(1)) / 8;
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, BigInt.asUintN(64, BigInt(value)), true);
    this.bytes(member, new Uint8Array(view.buffer, 0, size));
  }

  /** Writes bytes at a member's start. */
  bytes(member: string, bytes: Uint8Array): void {
    const at = ensure(this.#struct.at[member], `struct ${this.#struct.name} has ${member}`);
    this.#space.write(addOffset(this.#address, at), bytes);
  }
}

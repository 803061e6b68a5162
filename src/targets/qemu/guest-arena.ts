import { type Address, assert, record, roundUp, viewOf } from '../../base/index.ts';

/** Address and size of the arena in the agent, on every architecture. Must match `../agent/agent.c`. */
export const ARENA_ADDRESS: Address = 0x1000_0000n;
export const ARENA_SIZE = 8 << 20;

/** Maximum outputs of one call. Must match `../agent/agent.c`. */
export const ARENA_OUTPUTS = 16;

/** `struct privcmd_hypercall`. Source: include/uapi/xen/privcmd.h of Linux. */
const PRIVCMD_HYPERCALL = record('privcmd_hypercall', {
  op: 'u64',
  arg0: 'u64',
  arg1: 'u64',
  arg2: 'u64',
  arg3: 'u64',
  arg4: 'u64',
});

interface Piece {
  /** Offset in the arena, in bytes. */
  readonly at: number;
  bytes: Uint8Array;
  readonly output: boolean;
  /** All zeros; the agent writes them itself instead of receiving them. */
  readonly blank: boolean;
}

/**
 * The memory of one hypercall: everything its arguments point to, at the addresses it will have in dom0. Each piece starts on a
 * 64-byte line.
 */
export class GuestArena {
  readonly #pieces: Piece[] = [];
  #size = roundUp(PRIVCMD_HYPERCALL.size, 64);

  /** Returns the bytes still free. */
  get room(): number {
    return ARENA_SIZE - this.#size - 64;
  }

  /** Places bytes that the call reads, and returns their address. */
  place(bytes: Uint8Array): Address {
    return this.#add(bytes, { output: false, blank: false });
  }

  /** Places bytes, or a number of zeros, that the call reads and writes; see {@link output}. */
  placeOutput(bytes: Uint8Array | number): Address {
    if (typeof bytes === 'number') return this.#add(new Uint8Array(bytes), { output: true, blank: true });
    return this.#add(bytes, { output: true, blank: false });
  }

  #add(bytes: Uint8Array, kind: { output: boolean; blank: boolean }): Address {
    assert(bytes.length <= this.room, `a hypercall's memory has ${ARENA_SIZE} bytes, of which ${this.room} are left`);
    const at = this.#size;
    this.#pieces.push({ at, bytes, ...kind });
    // An empty piece also needs its own address.
    this.#size = roundUp(at + Math.max(bytes.length, 1), 64);
    return ARENA_ADDRESS + BigInt(at);
  }

  /** Returns the bytes at an address from `placeOutput`; after the call, what it wrote. */
  output(handle: Address): Uint8Array {
    const piece = this.#pieces.find(({ at, output }) => output && ARENA_ADDRESS + BigInt(at) === handle);
    assert(piece !== undefined, 'no output was placed there');
    return piece.bytes;
  }

  /** Encodes the arena for the agent: the bytes to send, the size including trailing zeros, and the ranges to return. */
  finish(number: number, args: readonly bigint[]) {
    const inputs = this.#pieces.filter(({ blank }) => !blank);
    const last = inputs.at(-1);
    const bytes = new Uint8Array(last === undefined ? PRIVCMD_HYPERCALL.size : last.at + last.bytes.length);
    const [arg0 = 0n, arg1 = 0n, arg2 = 0n, arg3 = 0n, arg4 = 0n] = args;
    PRIVCMD_HYPERCALL.write(viewOf(bytes), 0, { op: BigInt(number), arg0, arg1, arg2, arg3, arg4 });
    for (const piece of inputs) bytes.set(piece.bytes, piece.at);
    const outputs = this.#outputs.map(({ at, bytes: { length } }) => ({ at, size: length }));
    assert(outputs.length <= ARENA_OUTPUTS, `a hypercall has at most ${ARENA_OUTPUTS} outputs`);
    return { bytes, size: this.#size, outputs };
  }

  /** Stores the outputs that the agent sent back, in order. */
  take(bytes: Uint8Array): void {
    let at = 0;
    for (const piece of this.#outputs) {
      const { length } = piece.bytes;
      piece.bytes = bytes.slice(at, at + length);
      at += length;
    }
  }

  get #outputs(): Piece[] {
    return this.#pieces.filter(({ output }) => output);
  }
}

import { type Address, assert, record, roundUp, viewOf } from '../../base/index.ts';

/** Where the agent has the arena in its address space, and how large it is, on every architecture. Same as in `../agent/agent.c`. */
export const ARENA_ADDRESS: Address = 0x1000_0000n;
export const ARENA_SIZE = 8 << 20;

/** Most outputs of one call. Same as in `../agent/agent.c`. */
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
  /** Bytes from the start of the arena. */
  readonly at: number;
  bytes: Uint8Array;
  readonly output: boolean;
  /** Nothing but zeros, which the agent puts there itself. */
  readonly blank: boolean;
}

/**
 * The memory of one hypercall: what its arguments point at, laid out at the addresses that it will have in dom0. Every
 * piece starts on a line of 64 bytes.
 */
export class GuestArena {
  readonly #pieces: Piece[] = [];
  #size = roundUp(PRIVCMD_HYPERCALL.size, 64);

  /** How many more bytes there is room for. */
  get room(): number {
    return ARENA_SIZE - this.#size - 64;
  }

  /** Places bytes that the call reads; the handle is their address. */
  place(bytes: Uint8Array): Address {
    return this.#add(bytes, { output: false, blank: false });
  }

  /** Places bytes that the call reads and writes, or as many zeros; see {@link output}. */
  placeOutput(bytes: Uint8Array | number): Address {
    if (typeof bytes === 'number') return this.#add(new Uint8Array(bytes), { output: true, blank: true });
    return this.#add(bytes, { output: true, blank: false });
  }

  #add(bytes: Uint8Array, kind: { output: boolean; blank: boolean }): Address {
    assert(bytes.length <= this.room, `a hypercall's memory has ${ARENA_SIZE} bytes, of which ${this.room} are left`);
    const at = this.#size;
    this.#pieces.push({ at, bytes, ...kind });
    // An empty piece has an address of its own, too.
    this.#size = roundUp(at + Math.max(bytes.length, 1), 64);
    return ARENA_ADDRESS + BigInt(at);
  }

  /** What is at a handle that `placeOutput` gave: after the call what it wrote there. */
  output(handle: Address): Uint8Array {
    const piece = this.#pieces.find(({ at, output }) => output && ARENA_ADDRESS + BigInt(at) === handle);
    assert(piece !== undefined, 'no output was placed there');
    return piece.bytes;
  }

  /** The arena as the agent takes it: bytes to send, the size with the zeros behind them, and the ranges to send back. */
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

  /** Takes what the agent sent back: the outputs, one behind the other. */
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

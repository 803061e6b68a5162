import { cString } from '../base/index.ts';

/**
 * Longest name that is read, in bytes; of longer ones the rest is left out. Xen's own tables hold 127, and without a
 * bound a file with many names on one text without end could ask for any amount of time and memory.
 */
export const ELF_NAME_MAX = 1024;

/** The name at `offset` of a string table; empty where there is none. */
export const nameAt = (strings: Uint8Array, offset: number): string =>
  offset < strings.length ? cString(strings.subarray(offset, offset + ELF_NAME_MAX), 0) : '';

/** Bytes of a name that its hash takes in. */
const HASHED = 256;

/**
 * A hash index over names that stay where they are: in a string table, as bytes. Filling it decodes no text, which is
 * what a linear pass over the 7000 names of a hypervisor would spend its time on.
 */
export class NameIndex {
  readonly #strings: Uint8Array;
  readonly #buckets: Int32Array;
  /** The next row with the same hash, or -1. */
  readonly #next: Int32Array;
  readonly #offsets: Uint32Array;

  /** Rows `1 … count - 1`; row i's name is at `offsetOf(i)` of `strings` and ends at the next NUL. */
  constructor(strings: Uint8Array, count: number, offsetOf: (i: number) => number) {
    let size = 16;
    while (size < count) size *= 2;
    this.#strings = strings;
    this.#buckets = new Int32Array(size).fill(-1);
    this.#next = new Int32Array(count).fill(-1);
    this.#offsets = new Uint32Array(count);
    // From the end, so that each chain is in ascending order.
    for (let i = count - 1; i >= 1; i--) {
      const offset = offsetOf(i);
      this.#offsets[i] = offset;
      let hash = SEED;
      const end = Math.min(offset + HASHED, strings.length);
      for (let at = offset; at < end; at++) {
        const byte = strings[at] as number;
        if (byte === 0) break;
        hash = Math.imul(hash ^ byte, PRIME);
      }
      const bucket = spread(hash) & (size - 1);
      this.#next[i] = this.#buckets[bucket] as number;
      this.#buckets[bucket] = i;
    }
  }

  /** The rows called `name`, in ascending order. */
  *rows(name: string): Generator<number, void, void> {
    let hash = SEED;
    for (let k = 0; k < Math.min(name.length, HASHED); k++) hash = Math.imul(hash ^ name.charCodeAt(k), PRIME);
    for (let i = this.#buckets[spread(hash) & (this.#buckets.length - 1)] as number; i !== -1; ) {
      if (this.#isCalled(i, name)) yield i;
      i = this.#next[i] as number;
    }
  }

  #isCalled(i: number, name: string): boolean {
    const strings = this.#strings;
    const offset = this.#offsets[i] as number;
    const end = offset + name.length;
    if (end > strings.length || (end < strings.length && strings[end] !== 0)) return false;
    for (let k = 0; k < name.length; k++) if (strings[offset + k] !== name.charCodeAt(k)) return false;
    return true;
  }
}

// FNV-1a, 32 bits.
const SEED = 0x811c9dc5;
const PRIME = 0x01000193;

/** Brings the high bits of a hash down to the ones that choose a bucket. */
const spread = (hash: number): number => hash ^ (hash >>> 15);

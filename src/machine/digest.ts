import { PAGE_SIZE } from '../arch/index.ts';
import { type Address, addOffset, highWord, lowWord } from '../base/index.ts';
import type { MappedRange } from './mapping.ts';

/** Two 32-bit lanes, mixed as in MurmurHash3 (Austin Appleby, public domain) with different constants. */
class Lanes {
  #a = 0x9e3779b9 | 0;
  #b = 0x7f4a7c15 | 0;

  word(value: number): void {
    this.#a = mixA(this.#a, value);
    this.#b = mixB(this.#b, value);
  }

  /** The length must be a multiple of four. */
  bytes(bytes: Uint8Array): void {
    // Hash whole words in this machine's byte order, for speed: digests never leave the machine.
    const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
    const words = new Int32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
    let a = this.#a;
    let b = this.#b;
    for (let i = 0; i < words.length; i++) {
      const value = words[i] as number;
      a = mixA(a, value);
      b = mixB(b, value);
    }
    this.#a = a;
    this.#b = b;
  }

  text(): string {
    return digits(finish(this.#a)) + digits(finish(this.#b));
  }
}

const mixA = (lane: number, value: number): number =>
  (Math.imul(rotate(lane ^ Math.imul(rotate(Math.imul(value, 0xcc9e2d51 | 0), 15), 0x1b873593), 13), 5) +
    (0xe6546b64 | 0)) |
  0;

const mixB = (lane: number, value: number): number =>
  (Math.imul(rotate(lane ^ Math.imul(rotate(Math.imul(value, 0x239b961b | 0), 17), 0xab0e9789 | 0), 19), 5) +
    0x561ccd1b) |
  0;

const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));

function finish(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b | 0);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35 | 0);
  return mixed ^ (mixed >>> 16);
}

const digits = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');

/** Returns 16 hex digits over ranges and their bytes; `page` returns one page's bytes, `undefined` if it has no memory. */
export function digestOf(ranges: Iterable<MappedRange>, page: (address: Address) => Uint8Array | undefined): string {
  const lanes = new Lanes();
  for (const { start, pages, permission } of ranges) {
    lanes.word(lowWord(start) | 0);
    lanes.word(highWord(start) | 0);
    lanes.word(pages);
    lanes.word((permission.write ? 1 : 0) | (permission.execute ? 2 : 0));
    for (let i = 0; i < pages; i++) {
      const bytes = page(addOffset(start, i * PAGE_SIZE));
      if (bytes === undefined) lanes.word(-1);
      else lanes.bytes(bytes);
    }
  }
  return lanes.text();
}

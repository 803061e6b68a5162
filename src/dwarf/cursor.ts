import { latin1, viewOf } from '../base/index.ts';

/** Maximum length of a text in bytes; longer ones are truncated. Paths and C names are far shorter. */
export const TEXT_MAX = 4096;

/** Ignores digits of a LEB128 number above this, which could make it infinite. */
const LEB_MAX = 2 ** 70;

/** Returns the text at `at`, up to its NUL, the end of `bytes`, or {@link TEXT_MAX}. */
export function textOf(bytes: Uint8Array, at: number): string {
  const most = Math.min(bytes.length, at + TEXT_MAX);
  let end = at;
  while (end < most && bytes[end] !== 0) end++;
  return latin1(bytes.subarray(at, end));
}

/**
 * Reads consecutive little-endian values. Never throws: reads past the end return zero and set {@link overrun}. `at` and `end` are
 * offsets in `bytes`.
 */
export class Cursor {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;
  /** Whether a read went past the end. */
  overrun = false;
  readonly #view: DataView;

  /** `view` is an existing view of `bytes`: making one costs more than most reads. */
  constructor(bytes: Uint8Array, at = 0, end = bytes.length, view = viewOf(bytes)) {
    this.bytes = bytes;
    this.end = Math.min(end, bytes.length);
    this.at = at;
    this.#view = view;
  }

  /** Whether nothing is left to read. */
  get done(): boolean {
    return this.at >= this.end || this.overrun;
  }

  u8(): number {
    const at = this.#take(1);
    return at < 0 ? 0 : (this.bytes[at] as number);
  }

  i8(): number {
    return (this.u8() << 24) >> 24;
  }

  u16(): number {
    const at = this.#take(2);
    return at < 0 ? 0 : this.#view.getUint16(at, true);
  }

  u24(): number {
    return this.u16() | (this.u8() << 16);
  }

  u32(): number {
    const at = this.#take(4);
    return at < 0 ? 0 : this.#view.getUint32(at, true);
  }

  u64(): bigint {
    const at = this.#take(8);
    return at < 0 ? 0n : this.#view.getBigUint64(at, true);
  }

  /** Reads an address of `size` bytes. */
  address(size: number): bigint {
    return size === 8 ? this.u64() : BigInt(this.u32());
  }

  /** Reads an unsigned LEB128 (DWARF 5, 7.6); inexact above 2^53. */
  uleb(): number {
    // Nearly all have one byte.
    const first = this.at < this.end ? (this.bytes[this.at] as number) : 0x80;
    if (first < 0x80) {
      this.at++;
      return first;
    }
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      if (scale < LEB_MAX) value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  }

  /** Reads a signed LEB128 (DWARF 5, 7.6); inexact outside ±2^53. */
  sleb(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      if (scale < LEB_MAX) {
        value += (byte & 0x7f) * scale;
        scale *= 128;
      }
      if (byte < 0x80) return (byte & 0x40) === 0 ? value : value - scale;
    }
  }

  /** Reads a NUL-terminated text. */
  text(): string {
    const start = this.at;
    this.skipText();
    return textOf(this.bytes, start);
  }

  skipText(): void {
    const nul = this.bytes.indexOf(0, this.at);
    if (nul < 0 || nul >= this.end) this.#past();
    else this.at = nul + 1;
  }

  /** Returns a view of the next `length` bytes. */
  block(length: number): Uint8Array {
    const at = this.#take(length);
    return at < 0 ? new Uint8Array(0) : this.bytes.subarray(at, at + length);
  }

  skip(length: number): void {
    this.#take(length);
  }

  /** Skips `length` bytes and returns their offset; -1 if there are fewer. */
  #take(length: number): number {
    const at = this.at;
    if (length > this.end - at) return this.#past();
    this.at = at + length;
    return at;
  }

  #past(): -1 {
    this.at = this.end;
    this.overrun = true;
    return -1;
  }
}

import { type NumberSpec, numberParts } from './number-text.ts';

/**
 * The buffer that vsnprintf fills. It counts and drops what does not fit, so the buffer bounds memory whatever widths and precisions
 * a format requests.
 */
export class PrintkOutput {
  #text = '';
  #length = 0;
  readonly #room: number;

  /** `size` in bytes, including the NUL. */
  constructor(size: number) {
    this.#room = Math.max(0, size - 1);
  }

  /** Returns the length of the full text. */
  get length(): number {
    return this.#length;
  }

  /** Returns the buffer's contents without the final NUL. */
  get text(): string {
    return this.#text;
  }

  /** Returns how many characters still fit. */
  get left(): number {
    return this.#room - this.#text.length;
  }

  put(text: string): void {
    this.#length += text.length;
    if (this.left > 0) this.#text += text.slice(0, this.left);
  }

  /** Adds a character `count` times; a negative count adds none. */
  fill(character: string, count: number): void {
    if (count <= 0) return;
    this.#length += count;
    if (this.left > 0) this.#text += character.repeat(Math.min(count, this.left));
  }

  /** Adds a number like {@link numberParts}, in capitals for `%X`. */
  number(value: bigint, base: number, signed: boolean, spec: NumberSpec, capitals = false): void {
    const { before, head, zeros, digits, after } = numberParts(value, base, signed, spec);
    this.fill(' ', before);
    this.put(capitals ? head.toUpperCase() : head);
    this.fill('0', zeros);
    this.put(capitals ? digits.toUpperCase() : digits);
    this.fill(' ', after);
  }
}

import { type NumberSpec, numberParts } from './number-text.ts';

/**
 * The buffer that vsnprintf fills: what does not fit is counted and dropped. Memory is bounded by the buffer, whatever
 * widths and precisions a format asks for.
 */
export class PrintkOutput {
  #text = '';
  #length = 0;
  readonly #room: number;

  /** `size` is the buffer's, in bytes, its NUL included. */
  constructor(size: number) {
    this.#room = Math.max(0, size - 1);
  }

  /** Characters that there would be in a buffer of any size. */
  get length(): number {
    return this.#length;
  }

  /** What is in the buffer, without the NUL at its end. */
  get text(): string {
    return this.#text;
  }

  /** Characters that still fit. */
  get left(): number {
    return this.#room - this.#text.length;
  }

  put(text: string): void {
    this.#length += text.length;
    if (this.left > 0) this.#text += text.slice(0, this.left);
  }

  /** `count` times the same character; none where it is negative. */
  fill(character: string, count: number): void {
    if (count <= 0) return;
    this.#length += count;
    if (this.left > 0) this.#text += character.repeat(Math.min(count, this.left));
  }

  /** A number as {@link numberParts} has it, in capitals for `%X`. */
  number(value: bigint, base: number, signed: boolean, spec: NumberSpec, capitals = false): void {
    const { before, head, zeros, digits, after } = numberParts(value, base, signed, spec);
    this.fill(' ', before);
    this.put(capitals ? head.toUpperCase() : head);
    this.fill('0', zeros);
    this.put(capitals ? digits.toUpperCase() : digits);
    this.fill(' ', after);
  }
}

import { fromLatin1 } from '../base/index.ts';

/** A string table in the making: each text is stored once; the empty one is at offset 0, as the specification wants. */
export class StringTableBuilder {
  readonly #offsets = new Map<string, number>([['', 0]]);
  #size = 1;

  /** The offset of `text`, which is added where it is not yet there. */
  add(text: string): number {
    const known = this.#offsets.get(text);
    if (known !== undefined) return known;
    const offset = this.#size;
    this.#offsets.set(text, offset);
    this.#size += text.length + 1;
    return offset;
  }

  /** The section's bytes: all texts in the order they came, each closed by a NUL. */
  bytes(): Uint8Array {
    const bytes = new Uint8Array(this.#size);
    for (const [text, offset] of this.#offsets) bytes.set(fromLatin1(text), offset);
    return bytes;
  }
}

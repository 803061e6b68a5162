import { fromLatin1, hex } from '../base/index.ts';
import type { SectionSpec } from './payload-spec.ts';

/** Where the texts of {@link TextPool} go. */
export const TEXT_SECTION = '.rodata.texts';

/** The strings of a payload's code: each has a place in one section. */
export class TextPool {
  readonly #bytes: number[] = [];

  /** Offset of the text, with a NUL behind it. */
  add(text: string): number {
    const at = this.#bytes.length;
    this.#bytes.push(...fromLatin1(`${text}\0`));
    return at;
  }

  /** No section where there is no text. */
  sections(): SectionSpec[] {
    if (this.#bytes.length === 0) return [];
    return [{ name: TEXT_SECTION, flags: 'A', hex: hex(Uint8Array.from(this.#bytes)) }];
  }
}

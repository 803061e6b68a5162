import { fromLatin1, hex } from '../base/index.ts';
import type { SectionSpec } from './payload-spec.ts';

/** The section for the texts of {@link TextPool}. */
export const TEXT_SECTION = '.rodata.texts';

/** Collects the strings of a payload's code in one section. */
export class TextPool {
  readonly #bytes: number[] = [];

  /** Adds a NUL-terminated text. Returns its offset in bytes. */
  add(text: string): number {
    const at = this.#bytes.length;
    this.#bytes.push(...fromLatin1(`${text}\0`));
    return at;
  }

  /** Returns the section; none if there is no text. */
  sections(): SectionSpec[] {
    if (this.#bytes.length === 0) return [];
    return [{ name: TEXT_SECTION, flags: 'A', hex: hex(Uint8Array.from(this.#bytes)) }];
  }
}

/**
 * Limits the work for a damaged file. A reader decodes each table of a sound file once, but a damaged file may have any number of
 * references to overlapping tables. Readers take from the budget what they decode, and stop when it is spent.
 */
export class Budget {
  #left: number;

  /** `units` are whatever the reader counts: entries, bytes. */
  constructor(units: number) {
    this.#left = units;
  }

  /** Takes `units`; returns false if fewer are left. */
  take(units: number): boolean {
    this.#left -= units;
    return this.#left >= 0;
  }

  /** Whether readers took more than there was. */
  get spent(): boolean {
    return this.#left < 0;
  }
}

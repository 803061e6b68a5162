/**
 * Bounds what a damaged file can ask for. In a sound file each table is decoded once; in a damaged one, any number of
 * references may point at overlapping tables. What a reader decodes it takes from the budget, and stops where that is spent.
 */
export class Budget {
  #left: number;

  /** `units` of whatever the reader counts: entries, bytes. */
  constructor(units: number) {
    this.#left = units;
  }

  /** Takes `units`; false where that many are not left. */
  take(units: number): boolean {
    this.#left -= units;
    return this.#left >= 0;
  }

  /** Was more asked for than there is? */
  get spent(): boolean {
    return this.#left < 0;
  }
}

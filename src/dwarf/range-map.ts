import type { Address } from '../base/index.ts';
import type { CodeRange } from './ranges.ts';

/** Maps addresses to the values of code ranges. */
export class RangeMap<T> {
  readonly #rows: { readonly low: Address; readonly high: Address; readonly value: T }[] = [];

  constructor(values: Iterable<readonly [readonly CodeRange[], T]>) {
    for (const [ranges, value] of values) {
      for (const { low, size } of ranges) this.#rows.push({ low, high: low + BigInt(size), value });
    }
    this.#rows.sort((a, b) => (a.low < b.low ? -1 : a.low > b.low ? 1 : 0));
  }

  /** Returns the value of the last range that starts at or before the address, if that range contains it. */
  at(address: Address): T | undefined {
    let low = 0;
    let high = this.#rows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#rows[middle] as { low: Address }).low <= address) low = middle + 1;
      else high = middle;
    }
    const row = this.#rows[low - 1];
    return row !== undefined && address < row.high ? row.value : undefined;
  }
}

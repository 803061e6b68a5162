import { assert } from '../base/index.ts';

/**
 * Virtual time in nanoseconds since the machine started, like Xen's NOW(). A plain number: exact up to 2^53 ns, 104 days. Nothing in the
 * simulator uses real time.
 */
export class Clock {
  #now = 0;

  get now(): number {
    return this.#now;
  }

  /** Advances the clock by a duration. */
  advance(nanoseconds: number): void {
    this.advanceTo(this.#now + nanoseconds);
  }

  /** Advances the clock to a time that is not in the past. */
  advanceTo(time: number): void {
    assert(time >= this.#now && Number.isSafeInteger(time), `the clock cannot go from ${this.#now} to ${time}`);
    this.#now = time;
  }
}

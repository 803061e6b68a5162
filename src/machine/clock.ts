import { assert } from '../base/index.ts';

/**
 * Virtual time in nanoseconds since the machine started, as Xen's NOW(). A plain number: exact up to 2^53 ns, 104 days.
 * Nothing in the simulator knows the real time.
 */
export class Clock {
  #now = 0;

  get now(): number {
    return this.#now;
  }

  /** Lets time pass. */
  advance(nanoseconds: number): void {
    this.advanceTo(this.#now + nanoseconds);
  }

  /** Moves to a point in time that is not in the past. */
  advanceTo(time: number): void {
    assert(time >= this.#now && Number.isSafeInteger(time), `the clock cannot go from ${this.#now} to ${time}`);
    this.#now = time;
  }
}

/** Cost of one message in milliseconds, and the most messages in a burst (printk_ratelimit_ms, printk_ratelimit_burst). */
const INTERVAL = 5_000;
const BURST = 10;

/** Xen's printk rate limit. Source: drivers/char/console.c, __printk_ratelimit. */
export class RateLimit {
  #tokens = BURST * INTERVAL;
  #last = 0;
  #missed = 0;

  /**
   * Asks to print a message at this time (nanoseconds).
   *
   * @returns `false`, or the number of messages that were suppressed before this one
   */
  pass(now: number): number | false {
    const ms = Math.floor(now / 1_000_000);
    this.#tokens = Math.min(this.#tokens + ms - this.#last, BURST * INTERVAL);
    this.#last = ms;
    if (this.#tokens < INTERVAL) {
      this.#missed++;
      return false;
    }
    this.#tokens -= INTERVAL;
    const missed = this.#missed;
    this.#missed = 0;
    return missed;
  }
}

/** How much the property tests do: always the same unless XSPLICE_TEST_RUNS multiplies it. */

/** Seed of all generated input; the same for everyone, so that a failure is one for everyone. */
export const SEED = 0x5eed;

const factor = Math.max(0.01, Number(process.env['XSPLICE_TEST_RUNS'] ?? '1') || 1);

/** `count` runs, or as many times more as the environment's XSPLICE_TEST_RUNS says (`10`, `0.1`). */
export const runs = (count: number): number => Math.max(1, Math.round(count * factor));

/** A small generator of its own, mulberry32, for loops too hot for fast-check: the same numbers everywhere. */
export function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

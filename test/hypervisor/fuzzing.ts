/** The number of runs of property tests; XSPLICE_TEST_RUNS multiplies it. */

/** Seed of all generated input; fixed, so that failures are reproducible. */
export const SEED = 0x5eed;

const factor = Math.max(0.01, Number(process.env['XSPLICE_TEST_RUNS'] ?? '1') || 1);

/** `count` runs, multiplied by the environment's XSPLICE_TEST_RUNS (`10`, `0.1`). */
export const runs = (count: number): number => Math.max(1, Math.round(count * factor));

/** A small deterministic generator, mulberry32, for loops too hot for fast-check. */
export function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

import { describe, expect, it } from 'vitest';
import { EDITS, makePatch, type Outcome, type PatchArch, type PatchOptions, render, runPatches } from './index.ts';

const many = Array.from({ length: 2000 }, (_, index) => makePatch(3, index));

describe('generated patches', () => {
  it('are the same for the same seed and index', () => {
    for (const index of [0, 17, 1999]) expect(makePatch(3, index)).toEqual(many[index]);
    expect(makePatch(4, 17)).not.toEqual(many[17]);
  });

  it('change the text', () => {
    const same = many.filter(
      ({ before, after }) => JSON.stringify(render(before, 'shown')) === JSON.stringify(render(after, 'shown')),
    );
    // Edits may undo each other, and a table in another order may be the same.
    expect(same.length).toBeLessThan(60);
  });

  it.each(EDITS.map(({ name }) => name))('edit %s has a part in some', (name) => {
    expect(many.filter(({ edits }) => edits.some(({ edit }) => edit === name)).length).toBeGreaterThan(5);
  });
});

/** Patches, and how many of them must at least be built. */
const RUNS: readonly (readonly [arch: PatchArch, seed: number, count: number, built: number])[] = [
  ['x86_64', 1, 40, 28],
  ['arm64', 1, 40, 28],
];

async function outcomesOf(
  options: Omit<PatchOptions, 'done'>,
): Promise<(readonly [index: number, outcome: Outcome])[]> {
  const outcomes: (readonly [number, Outcome])[] = [];
  await runPatches({ ...options, done: ({ index }, outcome) => outcomes.push([index, outcome]) });
  return outcomes;
}

describe('payloads do what the patched sources do', () => {
  it.each(RUNS)(
    'on %s, seed %i: %i patches, at least %i of them built',
    async (arch, seed, count, least) => {
      const outcomes = await outcomesOf({ arch, seed, count });
      expect(outcomes).toHaveLength(count);
      expect(outcomes.filter(([, { kind }]) => kind === 'disagreed')).toEqual([]);
      expect(outcomes.filter(([, { kind }]) => kind === 'built').length).toBeGreaterThanOrEqual(least);
    },
    240_000,
  );

  it('and payloads of other sources are noticed', async () => {
    const outcomes = await outcomesOf({ arch: 'x86_64', seed: 1, count: 20, payloadFrom: ({ before }) => before });
    // Some edits change nothing that a call shows.
    expect(outcomes.filter(([, { kind }]) => kind === 'disagreed').length).toBeGreaterThan(10);
  }, 240_000);
});

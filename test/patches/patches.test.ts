import { describe, expect, it } from 'vitest';
import { EDITS, makePatch, type Outcome, type PatchArch, render, runPatches } from './index.ts';

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

/** Patches, and how many of them must at least be built. Differing totals: the architectures draw from different seeds. */
const RUNS: readonly (readonly [arch: PatchArch, seed: number, count: number, built: number])[] = [
  ['x86_64', 1, 40, 25],
  ['arm64', 2, 40, 25],
];

describe('payloads do what the patched sources do', () => {
  it.each(RUNS)(
    'on %s, seed %i: %i patches',
    async (arch, seed, count, least) => {
      const outcomes: (readonly [index: number, outcome: Outcome])[] = [];
      await runPatches({ arch, seed, count, done: ({ index }, outcome) => outcomes.push([index, outcome]) });
      expect(outcomes).toHaveLength(count);
      expect(outcomes.filter(([, { kind }]) => kind === 'disagreed')).toEqual([]);
      expect(outcomes.filter(([, { kind }]) => kind === 'built').length).toBeGreaterThanOrEqual(least);
    },
    240_000,
  );
});

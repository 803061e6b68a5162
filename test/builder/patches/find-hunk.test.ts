import fc from 'fast-check';
import { expect, it } from 'vitest';
import { findLines, standsAt } from '../../../src/builder/patches/find-hunk.ts';

it('finds lines, and the nearest match', () => {
  const lines = fc.array(fc.constantFrom('a', 'b'), { maxLength: 20 });
  const wanted = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(lines, wanted, fc.nat(5), (file, hunk, after) => {
      const start = Math.min(after, file.length);
      const places = file.map((_, at) => at).filter((at) => at >= start);
      const expected = places.filter((at) => standsAt(file, hunk, at)).slice(0, 2);
      const { found, closest, gaveUp } = findLines(file, hunk, start, { left: 1000 });
      expect([found, gaveUp]).toEqual([expected, false]);
      if (expected.length > 0) return;
      const right = (at: number): number => {
        const wrong = hunk.findIndex((line, i) => line !== file[at + i]);
        return wrong < 0 ? hunk.length : wrong;
      };
      expect(closest.lines).toBe(Math.max(0, ...places.map(right)));
      expect(right(closest.at)).toBe(closest.lines);
    }),
    { numRuns: 2000 },
  );
});

it('gives up a search beyond its budget', () => {
  const budget = { left: 5 };
  expect(findLines(['a', 'b', 'c', 'd', 'e'], ['e'], 0, budget)).toMatchObject({ found: [], gaveUp: true });
});

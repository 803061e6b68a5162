import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { XspliceError } from '../../src/base/index.ts';
import { inflate } from '../../src/cli/inflate.ts';
import { diffPairs, type ObjectPair, type PairsDiff } from '../../src/diff/index.ts';
import { damaged, damages } from './support/damage.ts';
import { disassembler, subject } from './support/subject.ts';

/** Most milliseconds for two small objects, on a machine that does other work. A hang takes longer. */
const MOST_MS = 5000;
/** Most bytes that are in use after one of them, what is to be collected included. */
const MOST_MEMORY = 300 << 20;
const RUNS = 300;

const SOURCE = `#include <xen.h>
static const char *const names[] = { "one", "two", "three" };
static unsigned int calls;
int count(unsigned int i);
const char *name_of(unsigned int i);
noinline int count(unsigned int i) { WARN_ON(i > 9); calls += i; return calls * 3; }
noinline const char *name_of(unsigned int i) { printk("name %d of %d", i, count(i)); return names[i % ARRAY_SIZE(names)]; }
`;

describe.each(['x86_64', 'arm64'] as const)('objects of somebody who means harm, on %s', (arch) => {
  let remove: () => void;
  let diff: (pair: Omit<ObjectPair, 'object'>) => PairsDiff;
  let orig: Uint8Array;
  let patched: Uint8Array;

  beforeAll(async () => {
    const base = await subject(arch, { 'a.c': SOURCE });
    remove = base.remove;
    const capstone = await disassembler();
    diff = (pair) =>
      diffPairs(base.image, base.release, [{ object: 'common/a.o', ...pair }], {
        disassembler: capstone,
        inflate,
        name: 'fix',
        debugData: true,
      });
    orig = base.object('a.c');
    patched = base.compile('a.c', SOURCE.replace('calls * 3', 'calls * 5'));
  });
  afterAll(() => remove());

  it.each([1n << 32n, 1n << 60n, (1n << 64n) - 1n])('are refused where a section claims %i bytes', (value) => {
    const sections = [...Array(40).keys()];
    const told = sections.map((entry) => {
      const list = [{ what: 'section', table: 0, entry, field: 4, value }] as const;
      return diff({ orig, patched: damaged(patched, list) });
    });
    // Section 0 has no bytes, and nobody reads what it says.
    const refused = told.filter(({ verdict }) => verdict === 'refused');
    expect(refused.length).toBeGreaterThanOrEqual(30);
    const reasons = refused.flatMap(({ refusals }) => refusals.map(({ message }) => message));
    expect(
      reasons.some((reason) => /^section \.text\S* of the patched .* claims \d+ bytes, more than/.test(reason)),
    ).toBe(true);
    expect(
      told.every(({ verdict, objects }) => verdict === 'refused' || objects.every(({ bytes }) => bytes.length < 1e6)),
    ).toBe(true);
  });

  it.each([1n << 56n, 1n << 32n, 0xffff_ffffn])('are refused where a relocation is at %i', (value) => {
    for (const table of [0, 1, 2, 3]) {
      const list = [{ what: 'relocation', table, entry: 0, field: 0, value }] as const;
      for (const pair of [
        { orig, patched: damaged(patched, list) },
        { orig: damaged(orig, list), patched },
      ]) {
        const { verdict, refusals } = diff(pair);
        expect(verdict).toBe('refused');
        expect(refusals[0]?.message).toMatch(
          /^relocation 0 of section \S+ of the \S+ \S+ is at 0x[0-9a-f]+, past its end$/,
        );
      }
    }
  });

  it('end in a verdict, in time, and without much memory', { timeout: 600_000 }, () => {
    const verdicts = new Map<string, number>();
    let most = 0;
    const property = fc.property(damages, fc.constantFrom('orig', 'patched', 'both', 'new'), (list, which) => {
      const bad = damaged(which === 'orig' ? orig : patched, list);
      const pair = {
        orig: which === 'orig' ? bad : which === 'both' ? damaged(orig, list) : which === 'new' ? null : orig,
        patched: which === 'orig' ? patched : bad,
      };
      const start = performance.now();
      let verdict: string;
      try {
        const { verdict: is, objects } = diff(pair);
        verdict = is;
        for (const { bytes, debug } of objects) {
          expect(bytes.length + (debug?.length ?? 0)).toBeLessThan(8 * (orig.length + patched.length));
        }
      } catch (error) {
        if (!(error instanceof XspliceError)) throw error;
        verdict = error.code;
      }
      verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
      expect(performance.now() - start).toBeLessThan(MOST_MS);
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      most = Math.max(most, heapUsed + arrayBuffers);
    });
    fc.assert(property, { numRuns: RUNS });
    expect(most).toBeLessThan(MOST_MEMORY);
    // Damage has to have been harmless at times, and fatal at others.
    expect([...verdicts.keys()]).toEqual(expect.arrayContaining(['built', 'refused']));
  });
});

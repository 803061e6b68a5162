import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HypervisorPair, openHypervisorPair } from '../../src/cli/hypervisor-pair.ts';
import { CONFORM_CASES } from '../../src/conform/cases/index.ts';
import { bootedFor, conform, runsOn } from '../../src/conform/index.ts';
import { MUTATION_RULES, runMutants } from '../mutants/index.ts';
import { debianXen } from '../support/debian-xen.ts';

/** Compares the simulator with the hypervisor itself, in QEMU. */
const { version } = debianXen();
const folder = mkdtempSync(join(tmpdir(), 'xsplice-conform-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const MINUTES = 60_000;
let pair: HypervisorPair;
beforeAll(async () => {
  pair = await openHypervisorPair({ cwd: folder });
}, 10 * MINUTES);

describe('the simulator and the real hypervisor', () => {
  it('are the same build', () => {
    expect(pair.version).toBe(version);
  });

  it(
    'agree in every case',
    async () => {
      const cases = CONFORM_CASES.filter((each) => runsOn(each, 'x86_64'));
      const report = await conform({
        ...pair,
        simulated: bootedFor(pair.simulated),
        real: bootedFor(pair.real),
        cases,
      });
      expect(report.differences).toEqual([]);
      expect(report.agreed).toBe(cases.length);
    },
    10 * MINUTES,
  );

  it(
    'agree on 3000 mutants',
    async () => {
      const summary = await runMutants({ ...pair, seed: 2026, count: 3000 });
      const disagreements = summary.disagreements.map(({ mutant: { index, base, changes }, differences }) => ({
        index,
        base,
        changes,
        differences,
      }));
      expect(disagreements).toEqual([]);
      // All of them: no mutant of this seed makes the hypervisor touch dom0's memory.
      expect(summary.agreed).toBe(3000);
      // Make sure that the agreement means something.
      expect(summary.results.cycled).toBeGreaterThan(800);
      expect(summary.results.refused).toBeGreaterThan(1000);
      expect(summary.results.died).toBeGreaterThan(50);
      for (const { name } of MUTATION_RULES) expect(summary.rules.get(name), name).toBeGreaterThan(0);
    },
    20 * MINUTES,
  );
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HypervisorPair, openHypervisorPair } from '../../src/cli/hypervisor-pair.ts';
import { CONFORM_CASES } from '../../src/conform/cases/index.ts';
import { bootedFor, conform, runsOn } from '../../src/conform/index.ts';
import { MUTATION_RULES, runMutants } from '../mutants/index.ts';
import { type ArmArch, xenFromSource } from '../support/source-xen.ts';

/** Compares the simulator with the hypervisor itself, in QEMU, on Arm. */
const folder = mkdtempSync(join(tmpdir(), 'xsplice-conform-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const MINUTES = 60_000;

describe.each(['arm64', 'arm32'] as const)('the simulator and the real hypervisor for %s', (arch: ArmArch) => {
  let pair: HypervisorPair;
  // With an empty cache: a build of Xen, a kernel package, and a boot.
  beforeAll(async () => {
    const { buildId } = await xenFromSource(arch);
    pair = await openHypervisorPair({ cwd: folder, arch });
    expect(pair.simulation.identity).toMatchObject({ arch, buildId });
  }, 10 * MINUTES);

  it(
    'agree in every case that is not specific to x86',
    async () => {
      const cases = CONFORM_CASES.filter((each) => runsOn(each, arch));
      expect(cases.length).toBeGreaterThan(200);
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
    'agree on 600 mutants',
    async () => {
      const summary = await runMutants({ ...pair, seed: 2026, count: 600 });
      const disagreements = summary.disagreements.map(({ mutant: { index, base, changes }, differences }) => ({
        index,
        base,
        changes,
        differences,
      }));
      expect(disagreements).toEqual([]);
      const { incomparable, cycled, refused, died } = summary.results;
      expect(summary.agreed + incomparable).toBe(600);
      expect(incomparable).toBeLessThan(10);
      // Make sure that the agreement means something.
      expect(cycled).toBeGreaterThan(120);
      expect(refused).toBeGreaterThan(200);
      expect(died).toBeGreaterThan(3);
      for (const { name } of MUTATION_RULES) expect(summary.rules.get(name), name).toBeGreaterThan(0);
    },
    10 * MINUTES,
  );
});

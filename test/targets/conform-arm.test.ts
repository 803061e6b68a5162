import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openHypervisorPair } from '../../src/cli/hypervisor-pair.ts';
import { CONFORM_CASES } from '../../src/scenario/conform-cases.ts';
import { conform, runsOn } from '../../src/scenario/index.ts';
import { type SourceArch, xenFromSource } from '../support/source-xen.ts';

/** The simulator against the hypervisor itself, in QEMU, on Arm. */
const folder = mkdtempSync(join(tmpdir(), 'xsplice-conform-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const MINUTES = 60_000;

describe.each(['arm64', 'arm32'] as const)('the simulator and the real hypervisor for %s', (arch: SourceArch) => {
  it(
    'agree in every case that is not of x86 alone',
    async () => {
      const { buildId } = await xenFromSource(arch);
      const pair = await openHypervisorPair({ cwd: folder, arch });
      expect(pair.simulation.identity).toMatchObject({ arch, buildId });
      const cases = CONFORM_CASES.filter((each) => runsOn(each, arch));
      expect(cases.length).toBeGreaterThan(200);
      const report = await conform({ ...pair, cases });
      expect(report.differences).toEqual([]);
      expect(report.agreed).toBe(cases.length);
    },
    10 * MINUTES,
  );
});

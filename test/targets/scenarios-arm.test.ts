import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gunzip } from '../../src/cli/gunzip.ts';
import { ARM_HOOK_CASES } from '../../src/conform/cases/arm.ts';
import { openSimulation } from '../../src/run/index.ts';
import { buildPayload, xenFacts } from '../../src/synth/index.ts';
import { type ArmArch, xenFromSource } from '../support/source-xen.ts';
import { xspliceIn } from './support.ts';

/** Runs one scenario, with hooks and calls, on the simulator and on the real Arm hypervisors. */
const cwd = mkdtempSync(join(tmpdir(), 'xsplice-scenarios-arm-'));
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const xsplice = xspliceIn(cwd);

const MINUTES = 60_000;

const LIFE = `title: a patch with hooks
payloads: { p: { file: p.livepatch, fit: true } }
steps:
  - upload: p
  - apply: { name: p, console: ["load_2", "load_1"] }
  - call: { function: xen_extra_version, returns: { string: "-HOOKS" } }
  - call: { function: strlen, args: ["four"], returns: { int: 4 } }
  - verify
  - revert: { name: p, console: ["unload_2", "unload_1", "unload_2"] }
  - verify
  - unload: p
`;

describe.each(['arm64', 'arm32'] as const)('a scenario on %s', (arch: ArmArch) => {
  let xenSyms: string;
  const scenario = `${arch}.yaml`;

  beforeAll(async () => {
    ({ xenSyms } = await xenFromSource(arch));
    const { image, release } = openSimulation(readFileSync(xenSyms), { gunzip });
    const spec = ARM_HOOK_CASES.find(({ name }) => name === `hook-${arch}-load-order`)?.payloads?.['p'];
    const payload = buildPayload(spec ?? expect.fail('no such case'), { xen: xenFacts(image, release) });
    writeFileSync(join(cwd, `${arch}.livepatch`), payload);
    writeFileSync(join(cwd, scenario), LIFE.replace('p.livepatch', `${arch}.livepatch`));
  }, 20 * MINUTES);

  it('passes on the simulator, and on the real one', { timeout: 5 * MINUTES }, async () => {
    for (const where of [
      ['--xen', xenSyms],
      ['--on', 'qemu', '--arch', arch],
    ]) {
      const { status, stdout, stderr } = await xsplice('rehearse', scenario, ...where);
      expect(stderr).toBe('');
      expect(stdout).toContain('PASSED 8 steps');
      expect(status).toBe(0);
    }
  });

  it('is the same on both, step by step', { timeout: 5 * MINUTES }, async () => {
    expect(await xsplice('conform', scenario, '--arch', arch)).toEqual({
      status: 0,
      stdout: 'AGREED 1 case\n',
      stderr: '',
    });
  });
});

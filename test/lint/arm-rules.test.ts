import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { gunzip } from '../../src/cli/gunzip.ts';
import { ARM_HOOK_CASES } from '../../src/conform/cases/arm.ts';
import { payloadBugFrame } from '../../src/lint/rules/payload-bug-frame.ts';
import { openSimulation, type Simulation } from '../../src/run/index.ts';
import type { ArmName } from '../../src/synth/arm-code.ts';
import { buildPayload, xenFacts } from '../../src/synth/index.ts';
import { xenFromSource } from '../support/source-xen.ts';
import { built, lint } from './support.ts';

/** Rules about Arm. Conform tests what real hypervisors do with the same payloads. */
describe.each(['arm64', 'arm32'] as const)('payload-bug-frame on %s', (arch: ArmName) => {
  let simulation: Simulation;
  beforeAll(async () => {
    simulation = openSimulation(readFileSync((await xenFromSource(arch)).xenSyms), { gunzip });
  }, 1_800_000);

  const found = (name: string) => {
    const spec = ARM_HOOK_CASES.find((each) => each.name === `hook-${arch}-${name}`)?.payloads?.['p'];
    const payload = buildPayload(spec ?? expect.fail(name), { xen: xenFacts(simulation.image, simulation.release) });
    return lint(payloadBugFrame, payload, { simulation });
  };

  it('reports a WARN and a BUG whose file names are in the payload', async () => {
    const what = arch === 'arm64' ? 'file names only from its own image' : 'the trap instruction only in its own image';
    const words = `panics the host with an unexpected trap: Xen 4.17.5 accepts ${what}`;
    expect(await found('own-file-1')).toMatchObject([
      {
        rule: 'payload-bug-frame',
        severity: 'warning',
        message: `the warn at a/b.c:77 ${words}`,
        where: { section: '.bug_frames.1', offset: 0 },
      },
    ]);
    expect((await found('own-file-2')).map(({ message }) => message)).toEqual([`the bug at a/b.c:77 ${words}`]);
  });

  it('reports run_in_exception_handler only if Xen rejects the instruction', async () => {
    expect(await found('run-fn')).toHaveLength(arch === 'arm64' ? 0 : 1);
  });

  it('accepts a file name of the hypervisor if Xen checks it', async () => {
    expect(await found('warn')).toHaveLength(arch === 'arm64' ? 0 : 1);
  });

  it('reports nothing without bug frames', async () => {
    expect(await found('all')).toEqual([]);
  });
});

describe('payload-bug-frame on x86-64', () => {
  it('reports nothing, because Xen handles them', async () => {
    const frame = {
      name: '.bug_frames.1',
      flags: 'A',
      size: 8,
      align: 4,
      fields: [{ at: 0, symbol: 'lp_new_fn', type: 2 }],
    };
    const code = [{ symbol: 'lp_new_fn', hex: '0f0bc3' }];
    expect(await lint(payloadBugFrame, built({ code, sections: [frame] }))).toEqual([]);
  });
});

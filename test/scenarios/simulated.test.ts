import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { gunzip } from '../../src/cli/gunzip.ts';
import { loadEmulator } from '../../src/emulator/index.ts';
import type { OpenCpu } from '../../src/machine/index.ts';
import { openSimulation, simulatedStage } from '../../src/run/index.ts';
import { debianXen } from '../support/debian-xen.ts';
import { run, scenarioNames } from './run.ts';

/** Each scenario holds on a simulated host, too: on the hypervisor as it is, and under the rules of other releases. */
const image = new Uint8Array(readFileSync(debianXen().xenSyms));
const MINUTE = 60_000;

let openCpu: OpenCpu;
beforeAll(async () => {
  openCpu = await loadEmulator();
});

describe('a simulated host', { timeout: MINUTE }, () => {
  it.each([
    undefined,
    '4.14.2',
    '4.15.7',
    '4.16.5',
    '4.17.2',
    '4.18.0',
    '4.18.2',
    '4.19.2',
    '4.20.1',
    '4.21.0',
    '4.22.0',
  ])('does what the scenarios say under %s', async (release) => {
    const simulation = openSimulation(image, {
      cpu: 'qemu-max',
      gunzip,
      openCpu,
      ...(release !== undefined && { release }),
    });
    for (const name of scenarioNames) {
      const result = await run(name, simulatedStage(simulation));
      expect(result.surprise, name).toBeNull();
      expect(result.error, name).toBeNull();
      expect(result.verdict, name).toBe('passed');
    }
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { gunzip } from '../../src/cli/gunzip.ts';
import { bootedFor } from '../../src/conform/index.ts';
import { openSimulation, type Simulation, simulatedStage } from '../../src/run/index.ts';
import { openCpu } from '../run/xen.ts';
import { debianXen } from '../support/debian-xen.ts';
import { type RecordedMachine, readPayloadFiles, readRecording, replay } from './recording.ts';

/**
 * Everything that was recorded on the real hypervisor, once more on the simulator: errno, states, every console line, the key `x`, live bytes of
 * the patched functions, the payloads' pages byte by byte, version strings, and panics.
 */
const RECORDINGS = [
  { file: 'xen-4.17.7.json', debug: false, cases: 529, steps: 1548, deaths: 40 },
  { file: 'hooks-4.17.7.json', debug: false, cases: 90, steps: 313, deaths: 30 },
  { file: 'debug-4.17.5.json', debug: true, cases: 162, steps: 421, deaths: 0 },
] as const;

/** Presets that stand for the `-cpu` of a recording. */
const CPUS: Readonly<Record<string, string>> = {
  'max,-smap': 'qemu-max',
  qemu64: 'qemu64',
  'Skylake-Client,-smap': 'qemu-skylake',
};

const xen = debianXen();
const xenSyms = new Uint8Array(readFileSync(xen.xenSyms));
const files = readPayloadFiles('payloads-4.17.7.json');

const simulations = new Map<string, Simulation>();

function simulationOf({ cpu, cpus }: RecordedMachine, debug: boolean): Simulation {
  const preset = CPUS[cpu] ?? expect.fail(`no preset for -cpu ${cpu}`);
  const key = `${preset} ${cpus} ${debug}`;
  const known = simulations.get(key) ?? openSimulation(xenSyms, { gunzip, openCpu, debug, cpu: preset, cpus });
  simulations.set(key, known);
  return known;
}

describe.each(RECORDINGS)('$file: $cases cases, $steps steps, $deaths deaths', (expected) => {
  const recording = readRecording(expected.file);
  let answered = 0;

  it('is of the hypervisor that the tests have', () => {
    expect(recording.buildId).toBe(xen.buildId);
  });

  it.each(recording.cases.map((recorded) => [recorded.name, recorded] as const))('%s', async (_name, recorded) => {
    const simulation = simulationOf(recorded.host, expected.debug);
    const { image, release } = simulation;
    const simulated = bootedFor(async () => simulatedStage(simulation));
    const differences = await replay(recorded, { image, release, simulated, files, answered: () => answered++ });
    expect(differences).toEqual([]);
  });

  it('has them all, and each was compared', () => {
    const steps = recording.cases.flatMap((recorded) => recorded.steps);
    const deaths = steps.filter(({ seen }) => seen['panic'] !== undefined).length;
    const { file, debug, ...counts } = expected;
    expect({ cases: new Set(recording.cases.map(({ name }) => name)).size, steps: steps.length, deaths }).toEqual(
      counts,
    );
    expect(answered).toBe(steps.length);
  });
});

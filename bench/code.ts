import { gunzip } from '../src/cli/gunzip.ts';
import { loadEmulator } from '../src/emulator/index.ts';
import type { Hypervisor, SimulatedTarget } from '../src/hypervisor/index.ts';
import { openSimulation, type SimulationOptions } from '../src/run/index.ts';
import { buildPayload, hookPayload, say, xenFacts } from '../src/synth/index.ts';
import { actionNow, uploadNow } from '../test/support/answers.ts';
import type { Inputs } from './inputs.ts';
import type { Contest } from './measure.ts';

const openCpu = await loadEmulator();

const simulationOf = ({ xenSyms }: Inputs, options: SimulationOptions = {}) =>
  openSimulation(xenSyms.bytes, { gunzip, ...options });

/** Throws if a call failed: the measurement would mean nothing. */
function expectZero(rc: number | null, { stopped }: Pick<Hypervisor, 'stopped'>): void {
  if (rc !== 0 || stopped !== null) throw new Error(`an operation gave ${rc}, or the host is down`);
}

/** Runs a payload's whole life on its own host, including the boot. */
function life(target: SimulatedTarget, bytes: Uint8Array): void {
  expectZero(uploadNow(target, 'p', bytes), target.hypervisor);
  for (const action of ['apply', 'revert', 'apply', 'revert', 'unload'] as const) {
    expectZero(actionNow(target, 'p', action), target.hypervisor);
  }
  target.hypervisor.code?.close();
}

const CALLS = 1000;

/** Calls a small function on a booted host, and counts the instructions. */
export function callContest(inputs: Inputs): Contest {
  const target = simulationOf(inputs, { openCpu }).boot();
  const call = { function: 'xen_extra_version', args: [] };
  const work = `${CALLS} calls of xen_extra_version`;
  return {
    title: 'calling a small function',
    works: {
      [work]: () => {
        for (let i = 0; i < CALLS; i++) target.callNow(call);
      },
    },
    rate: { of: work, count: CALLS, unit: 'calls', aim: 5_000 },
  };
}

/** Compares a payload with and without hooks, from a fresh boot to the last unload. */
export function hookContest(inputs: Inputs): Contest {
  const simulation = simulationOf(inputs, { openCpu });
  const { image, release } = simulation;
  const xen = xenFacts(image, release);
  const code = [{ symbol: 'replaces', returns: '-new' }];
  const says = (text: string) => (writer: Parameters<typeof say>[0]) => say(writer.push('rbx'), text).pop('rbx').ret();
  const hooks = hookPayload(
    { in: says('<0>in\n'), out: says('<0>out\n') },
    { load: ['in'], unload: ['out'] },
    { code, functions: [{}] },
  );
  const [hooked, plain] = [buildPayload(hooks, { xen }), buildPayload({ code }, { xen })];
  return {
    title: 'boot, upload, apply, revert, apply, revert, unload',
    works: {
      'with hooks that run': () => life(simulation.boot(), hooked),
      'without hooks': () => life(simulation.boot(), plain),
    },
    ratios: [{ of: 'with hooks that run', to: 'without hooks', aim: 8 }],
  };
}

/** Compares a host with an idle CPU with one without a CPU. */
export function idleProcessorContest(inputs: Inputs): Contest {
  const [ready, without] = [simulationOf(inputs, { openCpu }), simulationOf(inputs)];
  return {
    title: 'a payload without hooks, from boot to unload',
    works: {
      'with a processor': () => life(ready.boot(), inputs.payload.bytes),
      'without one': () => life(without.boot(), inputs.payload.bytes),
    },
    ratios: [{ of: 'with a processor', to: 'without one', aim: 1.3 }],
    calls: 10,
  };
}

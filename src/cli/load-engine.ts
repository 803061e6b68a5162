import type { Engine } from './engine.ts';
import { example, exampleNames } from './examples.ts';
import { gunzip } from './gunzip.ts';

/** The simulator, loaded now. */
export async function loadEngine(): Promise<Engine> {
  const [scenario, xen] = await Promise.all([import('../scenario/index.ts'), import('../xen/index.ts')]);
  return {
    payloadName: scenario.payloadName,
    inspectPayloads: scenario.inspectPayloads,
    checkPayloads: (image, payloads, options) => scenario.checkPayloads(image, payloads, { ...options, gunzip }),
    rehearsePayloads: (image, payloads, options) => scenario.rehearsePayloads(image, payloads, { ...options, gunzip }),
    releases: () => xen.RELEASES,
    cpuPresets: () => Object.keys(scenario.CPU_PRESETS),
    exampleNames,
    example,
  };
}

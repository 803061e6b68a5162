import type { Disassembler } from '../arch/index.ts';
import { XspliceError } from '../base/index.ts';
import type { Engine } from './engine.ts';
import { example, exampleNames } from './examples.ts';
import { gunzip } from './gunzip.ts';

/** The disassembler, which no other command loads. */
async function loadDisassembler(): Promise<Disassembler> {
  try {
    const { loadCapstone } = await import('../disassembler/index.ts');
    return await loadCapstone();
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
    const hint = 'xsplice needs its npm package @alexaltea/capstone-js for this: install xsplice anew';
    throw new XspliceError('ETOOL', `the disassembler cannot be loaded: ${reason}`, hint);
  }
}

/** The simulator, loaded now. */
export async function loadEngine(): Promise<Engine> {
  const [scenario, xen] = await Promise.all([import('../scenario/index.ts'), import('../xen/index.ts')]);
  return {
    payloadName: scenario.payloadName,
    inspectPayloads: scenario.inspectPayloads,
    disassembler: loadDisassembler,
    checkPayloads: (image, payloads, options) => scenario.checkPayloads(image, payloads, { ...options, gunzip }),
    rehearsePayloads: (image, payloads, options) => scenario.rehearsePayloads(image, payloads, { ...options, gunzip }),
    rehearseOnQemu: async (payloads, options) => (await import('./qemu-stage.ts')).rehearseOnQemu(payloads, options),
    conformStepText: scenario.conformStepText,
    conformCases: async () => scenario.CONFORM_CASES,
    conform: async (cases, options) => {
      const { openHypervisorPair } = await import('./hypervisor-pair.ts');
      const pair = await openHypervisorPair(options);
      return scenario.conform({
        ...pair,
        cases,
        ...(options.progress !== undefined && { progress: options.progress }),
      });
    },
    releases: () => xen.RELEASES,
    cpuPresets: () => Object.keys(scenario.CPU_PRESETS),
    exampleNames,
    example,
  };
}

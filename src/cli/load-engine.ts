import type { Disassembler } from '../arch/index.ts';
import { XspliceError } from '../base/index.ts';
import type { PayloadFile } from '../scenario/index.ts';
import type { Engine } from './engine.ts';
import { example, exampleFiles, exampleNames, listExamples } from './examples.ts';
import { gunzip } from './gunzip.ts';
import { inflate } from './inflate.ts';
import { haveHooks, loadProcessor, type ProcessorOptions } from './processor.ts';

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

/** The processor, where one of the payloads has hooks for it to run: it takes time to load. */
const processorFor = async (payloads: readonly PayloadFile[]): Promise<ProcessorOptions> =>
  haveHooks(payloads) ? await loadProcessor() : {};

/** The simulator, loaded now. */
export async function loadEngine(): Promise<Engine> {
  const [scenario, xen] = await Promise.all([import('../scenario/index.ts'), import('../xen/index.ts')]);
  return {
    payloadName: scenario.payloadName,
    plannedCall: scenario.plannedCall,
    inspectPayloads: scenario.inspectPayloads,
    disassembler: loadDisassembler,
    checkPayloads: async (image, payloads, options) =>
      scenario.checkAndLint(image, payloads, {
        ...options,
        ...(await processorFor(payloads)),
        gunzip,
        inflate,
        loadDisassembler,
      }),
    lint: () => import('../lint/index.ts'),
    rehearsePayloads: async (image, payloads, options) => {
      const processor = options.calls === undefined ? await processorFor(payloads) : await loadProcessor();
      return scenario.rehearsePayloads(image, payloads, { ...options, ...processor, gunzip });
    },
    rehearseOnQemu: async (payloads, options) => (await import('./qemu-stage.ts')).rehearseOnQemu(payloads, options),
    conformCases: async () => {
      const { CONFORM_CASES, conformStepText } = await scenario.loadConformCases();
      return { cases: CONFORM_CASES, stepText: conformStepText };
    },
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
    listExamples,
    exampleFiles,
  };
}

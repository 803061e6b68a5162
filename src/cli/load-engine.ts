import { codeOf, loadDisassembler } from './disassembler.ts';
import type { Engine } from './engine.ts';
import { example, exampleFiles, exampleNames, listExamples } from './examples.ts';
import { gunzip } from './gunzip.ts';
import { inflate } from './inflate.ts';
import { loadProcessor, processorFor } from './processor.ts';

/** The simulator, loaded now. */
export async function loadEngine(): Promise<Engine> {
  const [scenario, xen] = await Promise.all([import('../scenario/index.ts'), import('../xen/index.ts')]);
  return {
    payloadName: scenario.payloadName,
    plannedCall: scenario.plannedCall,
    inspectPayloads: scenario.inspectPayloads,
    disassembler: loadDisassembler,
    checkPayloads: async (image, payloads, options) => {
      const processor = await processorFor(payloads);
      const slice = await scenario.checkSlice(image, payloads, {
        ...options,
        ...processor,
        gunzip,
        inflate,
        loadDisassembler,
      });
      return { format: 'xsplice-check/1', payloads: await codeOf(slice) };
    },
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

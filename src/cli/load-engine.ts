import type { Engine } from './engine.ts';
import { example, exampleFiles, exampleNames, listExamples } from './examples.ts';
import { PORTS } from './ports.ts';

/** The simulator, loaded now. */
export async function loadEngine(): Promise<Engine> {
  const [run, inspect, payload, xen, arch] = await Promise.all([
    import('../run/index.ts'),
    import('../inspect/index.ts'),
    import('../payload/index.ts'),
    import('../xen/index.ts'),
    import('../arch/index.ts'),
  ]);
  return {
    payloadName: payload.payloadName,
    plannedCall: run.plannedCall,
    inspectPayloads: inspect.inspectPayloads,
    disassembler: PORTS.loadDisassembler,
    checkMatrix: async (request) => (await import('./check-run.ts')).runCheck(request),
    lint: () => import('../lint/index.ts'),
    rehearsePayloads: async (image, payloads, options) => {
      const { gunzip, loadProcessor, processorFor } = PORTS;
      const processor = options.calls === undefined ? await processorFor(payloads) : await loadProcessor();
      return run.rehearsePayloads(image, payloads, { ...options, ...processor, gunzip });
    },
    rehearseOnQemu: async (payloads, options) => (await import('./qemu-stage.ts')).rehearseOnQemu(payloads, options),
    conformCases: async () => {
      const { loadConformCases } = await import('../conform/index.ts');
      const { CONFORM_CASES, conformStepText } = await loadConformCases();
      return { cases: CONFORM_CASES, stepText: conformStepText };
    },
    conform: async (cases, options) => {
      const { openHypervisorPair } = await import('./hypervisor-pair.ts');
      const pair = await openHypervisorPair(options);
      const { bootedFor, conform } = await import('../conform/index.ts');
      return conform({
        image: pair.image,
        release: pair.release,
        simulated: bootedFor(pair.simulated),
        real: bootedFor(pair.real),
        cases,
        ...(options.progress !== undefined && { progress: options.progress }),
      });
    },
    releases: () => xen.RELEASES,
    cpuPresets: () => Object.keys(arch.CPU_PRESETS),
    exampleNames,
    example,
    listExamples,
    exampleFiles,
  };
}

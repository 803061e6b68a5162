import { XspliceError } from '../base/index.ts';
import type { PayloadInput } from '../payload/index.ts';
import type { SimulationOptions } from '../run/index.ts';

/** What a simulation is told of a processor: one, or why there is none. */
export type ProcessorOptions = Pick<SimulationOptions, 'openCpu' | 'noCpu'>;

/** How the names of all hook sections begin. */
const HOOKS = Buffer.from('.livepatch.hooks.');

/** Has one of the payloads code that the hypervisor calls while it is applied or reverted? */
export const haveHooks = (payloads: readonly PayloadInput[]): boolean =>
  payloads.some(({ bytes }) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(HOOKS));

/** Loads the processor. Where it is missing the rest works without it, and says why where code would have to be run. */
export async function loadProcessor(): Promise<ProcessorOptions> {
  try {
    const { loadEmulator } = await import('../emulator/index.ts');
    return { openCpu: await loadEmulator() };
  } catch (error) {
    if (!(error instanceof XspliceError)) throw error;
    return { noCpu: { message: error.message, hint: error.hint } };
  }
}

/** The processor, where one of the payloads has hooks for it to run: it takes time to load. */
export const processorFor = async (payloads: readonly PayloadInput[]): Promise<ProcessorOptions> =>
  haveHooks(payloads) ? await loadProcessor() : {};

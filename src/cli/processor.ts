import { XspliceError } from '../base/index.ts';
import type { PayloadInput } from '../payload/index.ts';
import type { SimulationOptions } from '../run/index.ts';

/** The processor for a simulation, or the reason why there is none. */
export type ProcessorOptions = Pick<SimulationOptions, 'openCpu' | 'noCpu'>;

/** Common prefix of the hook sections. */
const HOOKS = Buffer.from('.livepatch.hooks.');

/** Returns true if a payload has hooks, which the hypervisor calls when it applies or reverts. */
export const haveHooks = (payloads: readonly PayloadInput[]): boolean =>
  payloads.some(({ bytes }) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(HOOKS));

/** Loads the processor. If that fails, returns the reason, which steps that run code report. */
export async function loadProcessor(): Promise<ProcessorOptions> {
  try {
    const { loadEmulator } = await import('../emulator/index.ts');
    return { openCpu: await loadEmulator() };
  } catch (error) {
    if (!(error instanceof XspliceError)) throw error;
    return { noCpu: { message: error.message, hint: error.hint } };
  }
}

/** Loads the processor if a payload has hooks for it to run; loading takes time. */
export const processorFor = async (payloads: readonly PayloadInput[]): Promise<ProcessorOptions> =>
  haveHooks(payloads) ? await loadProcessor() : {};

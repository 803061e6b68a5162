import type { PayloadInput } from '../payload/index.ts';
import { openSimulation, type Ports, type Simulation, type SimulationOptions } from '../run/index.ts';

/** Opens a simulated host without a CPU. Throws an XspliceError: EIMAGE for a bad image, EUSAGE for bad options. */
export const openHost = (xenSyms: Uint8Array, options: SimulationOptions, { gunzip }: Ports): Simulation =>
  openSimulation(xenSyms, { ...options, gunzip });

/** Returns the host to verify a payload on: `plain`, or one with a CPU if the payload has hooks to run. */
export async function hostFor(
  payload: PayloadInput,
  plain: Simulation,
  xenSyms: Uint8Array,
  options: SimulationOptions,
  { gunzip, processorFor }: Ports,
): Promise<Simulation> {
  const processor = await processorFor([payload]);
  return Object.keys(processor).length === 0 ? plain : openSimulation(xenSyms, { ...options, gunzip, ...processor });
}

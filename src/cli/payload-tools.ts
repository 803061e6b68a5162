import type { VerifyOptions } from '../builder/index.ts';
import type { RuleLevels } from '../lint/index.ts';
import type { PayloadInput } from '../payload/index.ts';
import { openSimulation, type Simulation, type SimulationOptions } from '../run/index.ts';
import { codeOf, loadDisassembler } from './disassembler.ts';
import { gunzip } from './gunzip.ts';
import { inflate } from './inflate.ts';
import { processorFor } from './processor.ts';

/** What verifying a payload takes from other rooms. */
export const verifyTools = (levels: RuleLevels) =>
  ({
    levels,
    inflate,
    loadDisassembler,
    withCode: codeOf,
  }) satisfies VerifyOptions;

/**
 * A simulated host of a hypervisor; with a processor where the payload has hooks for it to run. Throws an XspliceError.
 *
 * @param plain one without a processor that is open already.
 */
export async function openHost(
  image: Uint8Array,
  options: SimulationOptions,
  payload?: PayloadInput,
  plain?: Simulation,
): Promise<Simulation> {
  const processor = payload === undefined ? {} : await processorFor([payload]);
  if (plain !== undefined && Object.keys(processor).length === 0) return plain;
  return openSimulation(image, { ...options, gunzip, ...processor });
}

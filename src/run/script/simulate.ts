import type { SimulationOptions } from '../options.ts';
import { simulatedStage } from '../simulated-stage.ts';
import { openSimulation } from '../simulation.ts';
import type { ScenarioHost } from './run.ts';
import type { ScriptSettings } from './types.ts';

/** Boots a simulated host with a scenario's settings. Throws an XspliceError: EIMAGE for an invalid image, EUSAGE for settings that make no sense. */
export function simulatedHost(
  image: Uint8Array,
  settings: ScriptSettings,
  ports: Pick<SimulationOptions, 'gunzip' | 'openCpu' | 'noCpu'> = {},
): ScenarioHost {
  const { xen: _, ...options } = settings;
  const simulation = openSimulation(image, { ...options, ...ports });
  return {
    stage: simulatedStage(simulation, simulation.boot()),
    image: simulation.image,
    release: simulation.release,
  };
}

import { DataWatch, describePayload, notCompared, type SimulatedTarget, takeFindings } from '../hypervisor/index.ts';
import type { Simulation } from './simulation.ts';
import type { Stage } from './stage.ts';
import { StepHistory } from './step-history.ts';

/** Makes a stage of a freshly booted simulated host. It can see everything of the host. */
export function simulatedStage(simulation: Simulation, target: SimulatedTarget = simulation.boot()): Stage {
  const { hypervisor } = target;
  return {
    history: new StepHistory(),
    identity: simulation.identity,
    assumed: simulation.assumed,
    target,
    image: simulation.image,
    release: simulation.release,
    describe: async (name) => {
      const loaded = hypervisor.payloads.find((payload) => payload.name === name);
      return loaded === undefined || hypervisor.stopped !== null ? null : describePayload(hypervisor, loaded);
    },
    nameAt: (address) => hypervisor.symbols.at(address)?.name,
    executable: (address) => hypervisor.machine.space.permissionAt(address)?.execute === true,
    digest: () => hypervisor.machine.space.digest(notCompared(hypervisor)),
    watchData: () => {
      const watch = new DataWatch(hypervisor);
      return () => watch.changed();
    },
    takeFindings: () => takeFindings(hypervisor),
    takeCacheMaintenance: () => target.takeCacheMaintenance(),
    hookReached: () => hypervisor.stopped?.hook ?? null,
    call: (request) => target.call(request),
  };
}

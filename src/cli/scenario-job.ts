import { XspliceError } from '../base/index.ts';
import type { ScenarioRun } from '../documents/index.ts';
import type { ScenarioCell } from '../run/index.ts';
import { openSimulation, runScenario, scenarioError, simulatedStage } from '../run/index.ts';
import { readImage } from './files.ts';
import { PORTS } from './ports.ts';
import { type ScenarioRoot, scenarioFiles } from './scenario-root.ts';
import type { ThreadWork } from './thread-pool.ts';

/** One run on a simulated host, with all that it needs. Plain data: it goes to another thread. */
export interface ScenarioJob {
  readonly cell: ScenarioCell;
  readonly root: ScenarioRoot;
  /** The image that the user named, in place of the scenario's own. */
  readonly xen: string | null;
}

/** The image that was read last: scenarios that are run one after another have mostly the same. */
let last: { readonly key: string; readonly bytes: Uint8Array } | null = null;

async function imageOf({ cell, root, xen }: ScenarioJob): Promise<Uint8Array> {
  const own = cell.settings.xen;
  const key = JSON.stringify([xen ?? own?.path, xen === null ? root.real : root.cwd]);
  if (last?.key === key) return last.bytes;
  let bytes: Uint8Array;
  if (xen !== null) bytes = readImage(xen, root.cwd);
  else if (own !== undefined) bytes = await scenarioFiles(root).readBytes(own.path, 'xen-syms');
  else
    throw new XspliceError(
      'EUSAGE',
      `${cell.file}: no hypervisor`,
      'add "xen: XEN-SYMS" to the scenario, or give --xen',
    );
  last = { key, bytes };
  return bytes;
}

/** Runs a scenario on a host of its own. What the environment does to it is in the result. */
export async function runJob(job: ScenarioJob): Promise<ScenarioRun> {
  try {
    const image = await imageOf(job);
    const { gunzip } = PORTS;
    const simulation = openSimulation(image, { ...job.cell.settings, ...(await PORTS.loadProcessor()), gunzip });
    return await runScenario(job.cell, simulatedStage(simulation), { files: scenarioFiles(job.root) });
  } catch (error) {
    if (error instanceof XspliceError) return scenarioError(job.cell, error);
    throw error;
  }
}

/** Scenarios as work for threads. */
export const SCENARIOS: ThreadWork<ScenarioJob, ScenarioRun> = { name: 'runJob', here: runJob };

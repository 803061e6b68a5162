import { XspliceError } from '../base/index.ts';
import type { ScenarioRun } from '../documents/index.ts';
import type { ScenarioCell, Stage } from '../run/index.ts';
import { observedStage, runScenario, scenarioError } from '../run/index.ts';
import { prepareQemu, type QemuHosts, type QemuTarget } from '../targets/index.ts';
import { releaseByVersion } from '../xen/index.ts';
import { interruptible } from './interruptible.ts';
import { imageOf, type QemuHostOptions, qemuOptions } from './qemu-host.ts';
import type { ScenarioJob } from './scenario-job.ts';
import { scenarioFiles } from './scenario-root.ts';

export interface QemuScenariosOptions extends Omit<QemuHostOptions, 'cpus' | 'loglvl'> {
  readonly done: (run: ScenarioRun, index: number) => void;
  readonly progress: (doing: string) => void;
}

/** Settings that a real hypervisor has no equivalent for. */
const SIMULATED_ONLY = ['cpu', 'late', 'stuck', 'debug'] as const;

/**
 * Makes a stage of a running host. Throws an XspliceError: EIMAGE if its symbols are unknown, EUSAGE if the scenario has settings that only the
 * simulator has.
 */
export function realStage(target: QemuTarget, { file, settings }: ScenarioCell): Stage {
  const {
    version,
    release: { release },
  } = target.host;
  const given = SIMULATED_ONLY.find((name) => settings[name] !== undefined);
  if (given !== undefined) {
    throw new XspliceError('EUSAGE', `${file}: ${given} works on the simulator only`, `remove ${given}, or --on qemu`);
  }
  const wanted = settings.release;
  if (wanted !== undefined && releaseByVersion(wanted)?.release.version !== release.version) {
    const hint = `boot Xen ${wanted} with --xen-image and --xen, or remove release`;
    throw new XspliceError('EUSAGE', `${file}: needs Xen ${wanted}, but this host runs ${version}`, hint);
  }
  const { image, identity } = imageOf(target);
  return observedStage(target, image, identity, []);
}

/** Runs jobs on a real hypervisor in QEMU, one after another, each on a host of its own as fresh as after its boot. */
export const runOnQemu = (jobs: readonly ScenarioJob[], options: QemuScenariosOptions): Promise<void> =>
  interruptible(async (signal) => {
    const { done, progress } = options;
    /** Hosts by what a scenario may say of them. */
    const kinds = new Map<string, Promise<QemuHosts>>();
    const hostsFor = ({ settings: { cpus, loglvl } }: ScenarioCell): Promise<QemuHosts> => {
      const key = JSON.stringify([cpus, loglvl]);
      const hosts = kinds.get(key) ?? prepareQemu(qemuOptions({ ...options, cpus, loglvl }, signal));
      kinds.set(key, hosts);
      return hosts;
    };
    for (const [index, { cell, root }] of jobs.entries()) {
      // That no host can be had at all is no matter of one scenario: it is thrown on.
      const target = await (await hostsFor(cell)).start();
      try {
        done(await runCell(cell, target, { files: scenarioFiles(root), progress }), index);
      } finally {
        await target.close();
      }
      if (signal.aborted) throw new XspliceError('ETOOL', 'interrupted before all scenarios had run');
    }
  });

async function runCell(
  cell: ScenarioCell,
  target: QemuTarget,
  options: Parameters<typeof runScenario>[2],
): Promise<ScenarioRun> {
  try {
    return await runScenario(cell, realStage(target, cell), options);
  } catch (error) {
    if (error instanceof XspliceError) return scenarioError(cell, error);
    throw error;
  }
}

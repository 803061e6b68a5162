import { XspliceError } from '../base/index.ts';
import { compareRuns, runName } from '../conform/index.ts';
import type { ConformDifference, ConformReport, ScenarioRun } from '../documents/index.ts';
import {
  loadScenario,
  runScenario,
  type ScenarioCell,
  type ScriptFiles,
  type ScriptOverrides,
  type Stage,
} from '../run/index.ts';
import { type HypervisorPair, type HypervisorPairOptions, openHypervisorPair, PAIR_CPUS } from './hypervisor-pair.ts';
import { findScenarios } from './scenario-arguments.ts';
import { placeScenario, scenarioFiles } from './scenario-root.ts';

/** A scenario to run on both hosts. */
interface Comparison {
  readonly cell: ScenarioCell;
  readonly files: ScriptFiles;
}

/** What came of it, and how a report names the steps. */
export interface ScenarioConformance {
  readonly report: ConformReport;
  /** What the step of that number, counted from 1, of a scenario does, in words. */
  readonly stepText: (name: string, step: number) => string;
}

/** Reads scenarios. The host is the pair's, whatever they say of it: a matrix of releases or processors is one run here. */
async function readAll(
  paths: readonly string[],
  root: string | undefined,
  cwd: string,
  overrides: ScriptOverrides,
): Promise<Comparison[]> {
  const found: Comparison[] = [];
  for (const file of findScenarios(paths, cwd)) {
    const place = placeScenario(file, root, cwd);
    const files = scenarioFiles(place.root);
    for (const cell of await loadScenario(place.path, files, overrides)) found.push({ cell, files });
  }
  return found;
}

/** The hosts' own settings, in place of the scenario's. */
const settingsOf = ({ version, image, smp }: Pick<HypervisorPair, 'version' | 'image' | 'smp'>): ScriptOverrides => ({
  release: version,
  cpu: PAIR_CPUS[image.arch.name],
  cpus: smp,
  debug: image.configured('CONFIG_DEBUG'),
  loglvl: 'all',
  late: {},
  stuck: [],
});

/**
 * Runs scenarios on the simulator and on a real Xen in QEMU, whatever they expect, and compares the two, step by step. Rejects with an
 * XspliceError: EFILE for a scenario that is wrong, ETOOL where a host cannot be had, or neither can do a step.
 */
export async function conformScenarios(
  paths: readonly string[],
  root: string | undefined,
  options: HypervisorPairOptions,
): Promise<ScenarioConformance> {
  // A wrong file is found before anything is fetched and booted.
  await readAll(paths, root, options.cwd, {});
  const pair = await openHypervisorPair(options);
  const scenarios = await readAll(paths, root, options.cwd, settingsOf(pair));
  const texts = new Map(scenarios.map(({ cell }) => [runName(cell), cell.steps.map(({ text }) => text)]));
  const differences: ConformDifference[] = [];
  let agreed = 0;
  for (const [index, { cell, files }] of scenarios.entries()) {
    const progress = (doing: string): void => options.progress?.(`${index + 1}/${scenarios.length} ${doing}`);
    const found = await compareHosts(cell, files, pair, progress);
    if (found.length === 0) agreed++;
    differences.push(...found);
  }
  return {
    report: { format: 'xsplice-conformance/1', cases: scenarios.length, agreed, differences },
    stepText: (name, step) => texts.get(name)?.[step - 1] ?? '',
  };
}

async function compareHosts(
  cell: ScenarioCell,
  files: ScriptFiles,
  pair: HypervisorPair,
  progress: (doing: string) => void,
): Promise<ConformDifference[]> {
  const run = (stage: Stage): Promise<ScenarioRun> => runScenario(cell, stage, { files, toTheEnd: true, progress });
  const real = await pair.real();
  const simulated = await pair.simulated();
  try {
    const runs = [await run(simulated), await run(real)] as const;
    // Both were kept from it by the same: a file that is not there, and no difference between the hosts.
    const [{ error }, { error: other }] = runs;
    if (error !== null && error.message === other?.message) {
      throw new XspliceError('ETOOL', error.message, error.hint ?? undefined);
    }
    return compareRuns(...runs);
  } finally {
    await simulated.target.close();
    await real.target.close();
  }
}

import { XspliceError } from '../base/index.ts';
import type { ScenarioRun } from '../documents/index.ts';
import { documentJson, renderJunit, renderScenarioRun, renderScenarioSum } from '../report/index.ts';
import { loadScenario, type ScriptOverrides } from '../run/index.ts';
import type { XenArch } from '../xen/index.ts';
import type { Context } from './context.ts';
import { EXIT } from './io.ts';
import { startProgress } from './progress.ts';
import { findScenarios } from './scenario-arguments.ts';
import type { ScenarioJob } from './scenario-job.ts';
import { placeScenario, scenarioFiles } from './scenario-root.ts';
import { type ColorWhen, styleFor, wantsColor } from './style.ts';

export type ScenarioFormat = 'text' | 'json' | 'junit';

/** Options of `xsplice rehearse` for scenarios. */
export interface RehearseScenariosOptions {
  readonly format: ScenarioFormat;
  readonly color: ColorWhen;
  /** Overrides the image of the scenarios. */
  readonly xen?: string;
  /** Overrides the folder that scenarios may read from. */
  readonly root?: string;
  /** Threads. */
  readonly jobs?: number;
  readonly overrides: ScriptOverrides;
  /** Settings of a real host; `null` for the simulator. */
  readonly qemu: {
    readonly arch?: XenArch;
    readonly xenImage?: string;
    readonly xenSyms?: string;
    readonly bootTimeout?: number;
  } | null;
}

/** Runs the jobs, in any order. */
type Runner = (
  jobs: readonly ScenarioJob[],
  done: (run: ScenarioRun, index: number) => void,
  progress: (doing: string) => void,
) => Promise<void>;

/** Runs `xsplice rehearse FILE.yaml…`. Reads all scenarios first, to report an invalid one before any step runs. */
export async function rehearseScenarios(
  paths: readonly string[],
  options: RehearseScenariosOptions,
  context: Context,
): Promise<void> {
  const { io } = context;
  const jobs: ScenarioJob[] = [];
  for (const file of findScenarios(paths, io.cwd)) {
    const { root, path } = placeScenario(file, options.root, io.cwd);
    const cells = await loadScenario(path, scenarioFiles(root), options.overrides);
    for (const cell of cells) {
      if (options.xen === undefined && options.qemu === null && cell.settings.xen === undefined) {
        const hint = 'add "xen: XEN-SYMS" to the scenario, or give --xen';
        throw new XspliceError('EUSAGE', `${file}: no hypervisor`, hint);
      }
      jobs.push({ cell, root, xen: options.xen ?? null });
    }
  }
  const runs = await runAll(jobs, options, context, await runnerOf(options));
  const count = (verdict: ScenarioRun['verdict']): number => runs.filter((run) => run.verdict === verdict).length;
  // A failed scenario outranks an error of the environment.
  context.exit(count('failed') > 0 ? EXIT.refused : count('error') > 0 ? EXIT.usage : EXIT.success);
}

async function runnerOf({ qemu, jobs: threads }: RehearseScenariosOptions): Promise<Runner> {
  if (qemu !== null) {
    const { runOnQemu } = await import('./qemu-scenarios.ts');
    return (jobs, done, progress) => runOnQemu(jobs, { ...qemu, done, progress });
  }
  const [{ runJobs }, { SCENARIOS }] = await Promise.all([import('./thread-pool.ts'), import('./scenario-job.ts')]);
  return (jobs, done) => runJobs(SCENARIOS, jobs, { ...(threads !== undefined && { threads }), done });
}

/** Runs all jobs, prints and returns the results in the order of the jobs. */
async function runAll(
  jobs: readonly ScenarioJob[],
  { format, color }: RehearseScenariosOptions,
  { io }: Context,
  run: Runner,
): Promise<ScenarioRun[]> {
  const style = styleFor(wantsColor(color, io.isTTY, io.env), io.columns);
  const progress = startProgress(io);
  const runs: (ScenarioRun | undefined)[] = jobs.map(() => undefined);
  let [printed, passed, other] = [0, 0, 0];
  const count = (): string => `${passed}/${jobs.length} passed${other === 0 ? '' : `, ${other} failed`}`;
  const done = (result: ScenarioRun, index: number): void => {
    runs[index] = result;
    if (result.verdict === 'passed') passed++;
    else other++;
    for (let next = runs[printed]; next !== undefined; next = runs[++printed]) {
      if (format !== 'text') continue;
      progress.clear();
      io.stdout(`${renderScenarioRun(next, style)}\n`);
    }
    if (passed + other < jobs.length) progress.show(`${count()} …`);
  };
  try {
    await run(jobs, done, (doing) => progress.show(`${count()} … ${doing}`));
  } finally {
    progress.clear();
  }
  const all = runs.filter((each) => each !== undefined);
  if (format === 'text') io.stdout(renderScenarioSum(all, style));
  else if (format === 'junit') io.stdout(renderJunit(all));
  else io.stdout(documentJson({ format: 'xsplice-scenario/2', scenarios: all }));
  return all;
}

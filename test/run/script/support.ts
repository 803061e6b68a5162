/** Scenario files in memory, with the examples as payloads, on simulated hosts. */
import { XspliceError } from '../../../src/base/index.ts';
import { gunzip } from '../../../src/cli/gunzip.ts';
import type { ScenarioRun } from '../../../src/documents/index.ts';
import {
  loadScenario,
  openSimulation,
  type RunScenarioOptions,
  runScenario,
  type ScenarioCell,
  type ScriptFiles,
  type ScriptOverrides,
  type Stage,
  simulatedStage,
} from '../../../src/run/index.ts';
import { exampleBytes } from '../../support/examples.ts';

/** Files by path. Payloads and the image are the examples, by their base names. */
export const memoryFiles = (texts: Readonly<Record<string, string>>): ScriptFiles => ({
  readText: async (path) => {
    const text = texts[path];
    if (text === undefined) throw new XspliceError('EFILE', `${path}: no such file`);
    return text;
  },
  readBytes: async (path) => {
    try {
      return exampleBytes(path.replace(/^.*\//, '').replace(/\.livepatch$/, ''));
    } catch {
      throw new XspliceError('EFILE', `${path}: no such file`);
    }
  },
  name: (path) => path,
});

type Texts = string | Readonly<Record<string, string>>;

const texts = (source: Texts): Readonly<Record<string, string>> =>
  typeof source === 'string' ? { 'x.yaml': source } : source;

/** The cells of `x.yaml`. */
export const load = (source: Texts, overrides: ScriptOverrides = {}): Promise<ScenarioCell[]> =>
  loadScenario('x.yaml', memoryFiles(texts(source)), overrides);

/** The one cell of `x.yaml`. */
export async function loadOne(source: Texts): Promise<ScenarioCell> {
  const [cell, ...others] = await load(source);
  if (cell === undefined || others.length > 0) throw new Error(`${others.length + 1} cells`);
  return cell;
}

/** What is wrong with `x.yaml`: message and hint. Throws where nothing is. */
export async function wrong(source: Texts): Promise<string> {
  try {
    await load(source);
  } catch (error) {
    if (error instanceof XspliceError && error.code === 'EFILE') return `${error.message}\n${error.hint ?? ''}`;
    throw error;
  }
  throw new Error('nothing is wrong with it');
}

/** A scenario of these steps. */
export const withSteps = (...steps: readonly string[]): string =>
  `steps:\n${steps.map((step) => `  - ${step}\n`).join('')}`;

/** Boots the miniature image with a scenario's settings. */
export const miniatureStage = (cell: ScenarioCell): Stage =>
  simulatedStage(openSimulation(exampleBytes('miniature-xen'), { ...cell.settings, gunzip }));

/** Runs all cells of `x.yaml` on the miniature image. */
export async function runAll(
  source: Texts,
  host: (cell: ScenarioCell) => Stage = miniatureStage,
  options: Partial<RunScenarioOptions> = {},
): Promise<ScenarioRun[]> {
  const runs: ScenarioRun[] = [];
  const files = memoryFiles(texts(source));
  for (const cell of await load(source)) runs.push(await runScenario(cell, host(cell), { files, ...options }));
  return runs;
}

/** Runs the one cell of `x.yaml`. */
export async function runOne(...args: Parameters<typeof runAll>): Promise<ScenarioRun> {
  const [run, ...others] = await runAll(...args);
  if (run === undefined || others.length > 0) throw new Error(`${others.length + 1} runs`);
  return run;
}

/** The steps as one line each: `apply hello 0 APPLIED`. */
export const outline = ({ steps }: ScenarioRun): string[] =>
  steps.map(({ step, name, outcome, rc, errno, state }) =>
    [step, name ?? '-', errno ?? rc ?? outcome, state ?? '-'].join(' '),
  );

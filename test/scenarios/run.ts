import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ScenarioRun } from '../../src/documents/index.ts';
import { loadScenario, runScenario, type ScenarioCell, type ScriptFiles, type Stage } from '../../src/run/index.ts';

/** The scenarios of this repository. */
export const FOLDER = fileURLToPath(new URL('../../scenarios/', import.meta.url));

export const scenarioNames: readonly string[] = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));

export const files: ScriptFiles = {
  readText: async (path) => readFileSync(join(FOLDER, path), 'utf8'),
  readBytes: async (path) => new Uint8Array(readFileSync(join(FOLDER, path))),
  name: (path) => `scenarios/${path}`,
};

/** Payloads that a scenario names, by their paths. */
export const payloadsOf = ({ steps }: ScenarioCell): string[] =>
  steps.flatMap(({ step }) => (step.verb === 'upload' ? [step.payload.path] : []));

/** Runs a scenario that has no matrix. */
export async function run(name: string, stage: Stage): Promise<ScenarioRun> {
  const [cell, ...more] = await loadScenario(name, files);
  if (cell === undefined || more.length > 0) throw new Error(`${name} is not one run`);
  return runScenario(cell, stage, { files });
}

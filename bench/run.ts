// npm run bench [-- --json] [-- --full]: measures xsplice's speed against its aims. Times are medians. Exits with 1 if an aim is
// missed, for use in scripts.
import { cpus } from 'node:os';
import { exampleCheckContest, exampleHookContest, exampleLifeContest } from './architectures.ts';
import { buildSections } from './build.ts';
import { largestSection, matrixSection, rulesSection } from './check-matrix.ts';
import { callContest, hookContest, idleProcessorContest } from './code.ts';
import { mutantSection, rehearsalSection } from './hosts.ts';
import { type Inputs, withInputs } from './inputs.ts';
import { type Contest, compete, type Section } from './measure.ts';
import { memorySection, processContest } from './processes.ts';
import { checkContest, openContest, relocationContest, sizeContest } from './simulator.ts';
import { tableOf } from './table.ts';

/** One entry for each comparison. */
const CONTESTS: readonly ((inputs: Inputs) => Contest | Promise<Contest>)[] = [
  openContest,
  checkContest,
  relocationContest,
  sizeContest,
  callContest,
  hookContest,
  idleProcessorContest,
  exampleCheckContest,
  exampleLifeContest,
  exampleHookContest,
  processContest,
];

async function measureAll(inputs: Inputs): Promise<Section[]> {
  const sections: Section[] = [];
  for (const contest of CONTESTS) sections.push(await compete(await contest(inputs)));
  sections.push(await largestSection(inputs), await rulesSection(inputs), await matrixSection(inputs));
  sections.push(memorySection(inputs), await rehearsalSection(inputs), await mutantSection());
  sections.push(...(await buildSections(process.argv.includes('--full'))));
  return sections;
}

const sections = await withInputs(measureAll);
const machine = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length };
if (process.argv.includes('--json')) {
  process.stdout.write(`${JSON.stringify({ format: 'xsplice-bench/1', machine, sections }, null, 2)}\n`);
} else {
  process.stdout.write(`Node ${machine.node}, ${machine.cores} × ${machine.cpu}\n${tableOf(sections)}`);
}
process.exitCode = sections.every(({ results }) => results.every(({ reached }) => reached)) ? 0 : 1;

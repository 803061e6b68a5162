import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Finding } from '../src/base/index.ts';
import { gunzip } from '../src/cli/gunzip.ts';
import { loadCapstone } from '../src/disassembler/index.ts';
import { isProblem } from '../src/elf/index.ts';
import { type LintRule, RULES, runLint } from '../src/lint/index.ts';
import { readPayload } from '../src/payload/index.ts';
import { checkSlice, openSimulation } from '../src/run/index.ts';
import type { Inputs } from './inputs.ts';
import { judge, quantile, type Section, type Timing, timesOf, timing } from './measure.ts';
import { XSPLICE } from './processes.ts';

/**
 * Measures the rules, together and one by one, on the largest payload that Xen accepts: 10 000 functions. Data that several
 * rules share is read once for all together, and again for each rule measured alone.
 */
export async function rulesSection({ xenSyms, functions10k }: Inputs): Promise<Section> {
  const disassembler = await loadCapstone();
  const { image, release, processor } = openSimulation(xenSyms.bytes, { gunzip });
  const content = readPayload(functions10k.bytes);
  if (isProblem(content)) throw new Error(content.message);
  const payload = { file: 'largest.livepatch', name: 'largest', content };
  const lint = (rules: readonly LintRule[]) => (): Promise<Finding[]> =>
    runLint(
      rules,
      { payload, set: [payload], image, release, processor, loader: [] },
      { loadDisassembler: () => Promise.resolve(disassembler) },
    );
  await timesOf(2, lint(RULES));
  const all = await timesOf(5, lint(RULES));
  const each: Timing[] = [];
  for (const rule of RULES) each.push(timing(`  ${rule.id}`, await timesOf(3, lint([rule]))));
  return {
    title: `lint of 10 000 functions: ${RULES.length} rules`,
    timings: [timing('all rules', all), ...each],
    results: [judge('all rules', quantile(all, 0.5), 'ms', 'at most', 750)],
  };
}

/** Measures a full check of the same payload with every rule, in a warm process. */
export async function largestSection({ xenSyms, functions10k }: Inputs): Promise<Section> {
  const disassembler = await loadCapstone();
  const payload = { file: 'largest.livepatch', name: 'largest', bytes: functions10k.bytes };
  const check = async (): Promise<void> => {
    const options = { gunzip, loadDisassembler: () => Promise.resolve(disassembler) };
    const { payloads } = await checkSlice(openSimulation(xenSyms.bytes, options), [payload], options);
    // Lint reports much about functions that replace arbitrary bytes: that is what takes time.
    if (payloads[0]?.errno !== null) throw new Error(`the payload is refused with ${payloads[0]?.errno}`);
  };
  await timesOf(2, check);
  const times = await timesOf(5, check);
  return {
    title: 'check of 10 000 functions with all rules',
    timings: [timing('check, inside', times)],
    results: [judge('check, inside', quantile(times, 0.5), 'ms', 'at most', 2000)],
  };
}

/** Measures ten payloads on ten hypervisors as a process: read, checked, printed; with threads, and in one thread. */
export async function matrixSection({ xenSyms, payload }: Inputs): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), 'xsplice-bench-matrix-'));
  try {
    for (const name of ['payloads', 'builds']) mkdirSync(join(folder, name));
    for (let i = 0; i < 10; i++) {
      cpSync(payload.path, join(folder, 'payloads', `${i}.livepatch`));
      cpSync(xenSyms.path, join(folder, 'builds', `xen-syms-${i}`));
    }
    const args = [XSPLICE, 'check', join(folder, 'payloads'), '--xen', join(folder, 'builds'), '--format', 'github'];
    const run = (jobs: readonly string[]) => (): void => {
      const { stdout, stderr } = spawnSync(process.execPath, [...args, ...jobs], {
        encoding: 'utf8',
        maxBuffer: 256 << 20,
      });
      // Lint's findings about functions that replace arbitrary bytes decide how many are accepted.
      if (!/^10 payloads on 10 hypervisors: \d+ of 100 accepted$/m.test(stdout))
        throw new Error(`no matrix: ${stderr}`);
    };
    const free = await timesOf(3, run([]));
    return {
      title: 'check of 10 payloads on 10 hypervisors',
      timings: [timing('check', free), timing('check --jobs 1', await timesOf(3, run(['--jobs', '1'])))],
      results: [judge('check', quantile(free, 0.5) / 100, 'ms a cell', 'at most', 100)],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

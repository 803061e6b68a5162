/**
 * Generated edits of sources, as live patches on a simulated host and compiled into the hypervisor:
 *
 *   npm run patches -- --count 2000 --seed 7 [--from N] [--arch x86_64|arm64] [--out FOLDER]
 *
 * Prints how many payloads were built and behave as the patched source does, and why the others were refused. Keeps each disagreement in FOLDER
 * (default: patches): the sources, and a README that says what differs. Exit status 1 if there is any; Ctrl-C ends the run with what it has.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { XspliceError } from '../src/base/index.ts';
import {
  EDITS,
  keepDisagreement,
  type Outcome,
  type Patch,
  type PatchArch,
  runPatches,
} from '../test/patches/index.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    out: { type: 'string', default: 'patches' },
    arch: { type: 'string', default: 'x86_64' },
  },
});

const fail = (text: string): never => {
  process.stderr.write(`${text}\n`);
  process.exit(2);
};

function whole(option: 'count' | 'seed' | 'from'): number {
  const number = Number(values[option]);
  if (Number.isSafeInteger(number) && number >= 0 && number < 2 ** 32) return number;
  return fail(`--${option} takes a whole number, not ${values[option]}`);
}

const archOf = (name: string): PatchArch =>
  name === 'x86_64' || name === 'arm64' ? name : fail(`--arch takes x86_64 or arm64, not ${name}`);

const arch = archOf(values.arch);
const [count, seed, from] = [whole('count'), whole('seed'), whole('from')];
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const show = (text: string): void => void (process.stderr.isTTY && process.stderr.write(`\r\x1b[K${text}`));

const counts = { built: 0, unchanged: 0, warned: 0, refused: 0, disagreed: 0 };
let done = 0;
/** Patches by the reason of the first refusal, without names and numbers. */
const reasons = new Map<string, { count: number; readonly index: number }>();
/** Kinds of edits that have been in some patch. */
const used = new Set<string>();

const withoutNames = (reason: string): string =>
  reason
    .replace(/"[^"]*"/g, '"…"')
    .replace(/\bm\d+\w*(?:\.\w+)*/g, 'NAME')
    .replace(/\b(?:0x[0-9a-f]+|\d+)\b/g, 'N')
    .slice(0, 140);

function note(patch: Patch, outcome: Outcome): void {
  counts[outcome.kind]++;
  done++;
  for (const { edit } of patch.edits) used.add(edit);
  if (outcome.kind === 'refused') {
    const [first] = outcome.refusals;
    const reason = first === undefined ? 'no reason' : `${first.rule}: ${withoutNames(first.message)}`;
    const row = reasons.get(reason) ?? { count: 0, index: patch.index };
    row.count++;
    reasons.set(reason, row);
  }
  if (outcome.kind === 'disagreed') {
    show('');
    const path = keepDisagreement(resolve(values.out), arch, patch, outcome);
    const [first] = outcome.differences;
    say(`${patch.index} disagreed: ${patch.edits.map(({ edit, what }) => `${edit}: ${what}`).join('; ')}`);
    say(`  ${first?.when}, ${first?.call}: ${outcome.differences.length} differences, kept in ${path}`);
  }
  show(`${done} of ${count}: ${counts.built} built, ${counts.refused} refused, ${counts.disagreed} disagreed`);
}

const abort = new AbortController();
process.once('SIGINT', () => abort.abort());

try {
  const start = performance.now();
  try {
    await runPatches({ arch, seed, from, count, done: note, signal: abort.signal });
  } catch (error) {
    if (!abort.signal.aborted) throw error;
  }
  show('');
  const rows = [...reasons].sort(([, a], [, b]) => b.count - a.count);
  for (const [reason, row] of rows) say(`refused ${row.count} (first: ${row.index}): ${reason}`);
  const missing = EDITS.filter(({ name }) => !used.has(name)).map(({ name }) => name);
  if (missing.length > 0 && done >= 500) say(`edits that were in none: ${missing.join(', ')}`);
  const seconds = (performance.now() - start) / 1000;
  say(`${done} patches in ${seconds.toFixed(0)} s${abort.signal.aborted ? ', stopped' : ''}`);
  const { built, unchanged, warned, refused, disagreed } = counts;
  if (warned > 0) say(`${warned} built and differ as a warning says`);
  say(`${built} built and agree, ${unchanged} unchanged and agree, ${refused} refused, ${disagreed} disagreed`);
  process.exitCode = counts.disagreed === 0 ? 0 : 1;
} catch (error) {
  if (!(error instanceof XspliceError)) throw error;
  process.stderr.write(`${error.message}\n${error.hint ?? ''}\n`);
  process.exitCode = 2;
}

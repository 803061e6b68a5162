/**
 * Compares damaged payloads on the simulator and on a real Xen in QEMU:
 *
 * npm run mutants -- --count 20000 --seed 7 [--from N] [--out FOLDER] [--arch arm64|arm32]
 * [--xen-image xen.gz --xen-syms xen-syms]
 *
 * Prints how many agreed, and keeps each disagreement in FOLDER (default: mutants): the payload, and a JSON file with its
 * recipe and the differences. Exits with 1 if there is any.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { XspliceError } from '../src/base/index.ts';
import { openHypervisorPair } from '../src/cli/hypervisor-pair.ts';
import type { XenArch } from '../src/xen/index.ts';
import { MUTATION_RULES, type MutantDisagreement, type MutantSummary, runMutants } from '../test/mutants/index.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '3000' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    out: { type: 'string', default: 'mutants' },
    arch: { type: 'string', default: 'x86_64' },
    'xen-image': { type: 'string' },
    'xen-syms': { type: 'string' },
  },
});

const whole = (option: 'count' | 'seed' | 'from'): number => {
  const number = Number(values[option]);
  if (Number.isSafeInteger(number) && number >= 0 && number < 2 ** 32) return number;
  process.stderr.write(`--${option} takes a whole number, not ${values[option]}\n`);
  process.exit(2);
};

/** Returns an architecture by name. Exits with 2 for an unknown one. */
function archOf(name: string): XenArch {
  const found = (['x86_64', 'arm64', 'arm32'] as const).find((arch) => arch === name);
  if (found !== undefined) return found;
  process.stderr.write(`--arch takes x86_64, arm64 or arm32, not ${name}\n`);
  process.exit(2);
}

const arch = archOf(values.arch);
const [count, seed, from] = [whole('count'), whole('seed'), whole('from')];
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const show = (text: string): void => void (process.stderr.isTTY && process.stderr.write(`\r\x1b[K${text}`));

/** Writes two files that reproduce the disagreement. */
function keep(folder: string, { mutant, differences }: MutantDisagreement): void {
  mkdirSync(folder, { recursive: true });
  const { bytes, ...made } = mutant;
  const name = `mutant-${mutant.seed}-${mutant.index}`;
  writeFileSync(join(folder, `${name}.livepatch`), bytes);
  const again = `npm run mutants -- --arch ${arch} --seed ${mutant.seed} --from ${mutant.index} --count 1`;
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify({ ...made, again, differences }, null, 2)}\n`);
}

const text = ({ mutant, differences }: MutantDisagreement): string =>
  [
    `${mutant.index} (${mutant.base})`,
    ...mutant.changes.map(({ rule, what }) => `  ${rule}: ${what}`),
    ...differences.flatMap(({ step, field, simulated, real }) => [
      `  ${step}: ${field}`,
      `    simulated ${JSON.stringify(simulated)}`,
      `    real      ${JSON.stringify(real)}`,
    ]),
  ].join('\n');

function sum({ mutants, agreed, results, rules }: MutantSummary, seconds: number): void {
  const unused = MUTATION_RULES.filter(({ name }) => !rules.has(name)).map(({ name }) => name);
  // A short run may not use all of them.
  if (unused.length > 0 && mutants >= 1000) say(`rules that made none: ${unused.join(', ')}`);
  const { refused, accepted, cycled, died, incomparable } = results;
  say(`${refused} refused, ${accepted} accepted, ${cycled} accepted and applied, ${died} took the host down`);
  if (incomparable > 0) say(`${incomparable} led the hypervisor into memory that is not its own: not compared`);
  say(`${mutants} mutants in ${seconds.toFixed(0)} s, ${(mutants / seconds).toFixed(0)} a second`);
  say(`${agreed} agreed, ${mutants - agreed - incomparable} disagreed`);
}

try {
  const pair = await openHypervisorPair({
    arch,
    cwd: process.cwd(),
    progress: show,
    ...(values['xen-image'] !== undefined && { xenImage: values['xen-image'] }),
    ...(values['xen-syms'] !== undefined && { xenSyms: values['xen-syms'] }),
  });
  const start = performance.now();
  const summary = await runMutants({
    ...pair,
    seed,
    from,
    count,
    progress: (done) => done % 50 === 0 && show(`${done} of ${count}`),
    disagreed: (disagreement) => {
      show('');
      say(text(disagreement));
      keep(resolve(values.out), disagreement);
    },
  });
  show('');
  sum(summary, (performance.now() - start) / 1000);
  process.exitCode = summary.disagreements.length === 0 ? 0 : 1;
} catch (error) {
  if (!(error instanceof XspliceError)) throw error;
  process.stderr.write(`${error.message}\n${error.hint ?? ''}\n`);
  process.exitCode = 2;
}

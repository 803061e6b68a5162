import { type Finding, fromHex } from '../../src/base/index.ts';
import { gunzip } from '../../src/cli/gunzip.ts';
import { loadCapstone } from '../../src/disassembler/index.ts';
import type { CheckReport } from '../../src/documents/index.ts';
import { isProblem, readElf, STT_FILE } from '../../src/elf/index.ts';
import { type LintedPayload, type LintRule, type RuleLevels, runLint } from '../../src/lint/index.ts';
import { type PayloadInput, readPayload } from '../../src/payload/index.ts';
import { checkSlice, openSimulation, type Simulation } from '../../src/run/index.ts';
import { buildPayload, type PayloadSpec, xenFacts } from '../../src/synth/index.ts';
import { exampleBytes, exampleManifest } from '../support/examples.ts';

/** The miniature hypervisor's image. */
export const imageBytes = exampleBytes(exampleManifest.image.name);

const simulations = new Map<string, Simulation>();

/** Options for the miniature hypervisor: the rules of another release, another processor. */
export function miniature(release?: string, cpu?: string): Simulation {
  const key = `${release} ${cpu}`;
  let found = simulations.get(key);
  if (found === undefined) {
    found = openSimulation(imageBytes, {
      gunzip,
      ...(release !== undefined && { release }),
      ...(cpu !== undefined && { cpu }),
    });
    simulations.set(key, found);
  }
  return found;
}

/** Makes the input of rules from a payload. */
export function linted(bytes: Uint8Array, name = 'x'): LintedPayload {
  const content = readPayload(bytes);
  if (isProblem(content)) throw new Error(content.message);
  return { file: `${name}.livepatch`, name, content };
}

/** Builds a payload for the miniature hypervisor. */
export const built = (spec: PayloadSpec, release?: string): Uint8Array => {
  const { image, release: rules } = miniature(release);
  return buildPayload(spec, { xen: xenFacts(image, rules) });
};

export interface LintCase {
  readonly release?: string;
  readonly cpu?: string;
  /** Default: the miniature hypervisor. */
  readonly simulation?: Simulation;
  /** Payloads before and after this one on the command line. */
  readonly before?: readonly Uint8Array[];
  readonly after?: readonly Uint8Array[];
  readonly loader?: readonly Finding[];
  readonly levels?: RuleLevels;
}

let capstone: ReturnType<typeof loadCapstone> | undefined;

/** Capstone, loaded once. */
export const loadDisassembler = (): ReturnType<typeof loadCapstone> => (capstone ??= loadCapstone());

/** Returns the findings of rules in a payload. */
export function lint(
  rules: LintRule | readonly LintRule[],
  bytes: Uint8Array,
  given: LintCase = {},
): Promise<Finding[]> {
  const { image, release, processor } = given.simulation ?? miniature(given.release, given.cpu);
  const payload = linted(bytes);
  const others = (files: readonly Uint8Array[] = [], prefix: string) =>
    files.map((file, i) => linted(file, `${prefix}${i}`));
  const set = [...others(given.before, 'before'), payload, ...others(given.after, 'after')];
  const input = { payload, set, image, release, processor, loader: given.loader ?? [] };
  const levels = given.levels === undefined ? {} : { levels: given.levels };
  return runLint('check' in rules ? [rules] : rules, input, { loadDisassembler, ...levels });
}

/** Returns the messages of a rule's findings. */
export const messages = async (rule: LintRule, bytes: Uint8Array, given: LintCase = {}): Promise<string[]> =>
  (await lint(rule, bytes, given)).map(({ message }) => message);

/** Runs check with lint on the miniature hypervisor. */
export async function checked(
  payloads: readonly PayloadInput[],
  options: Partial<Parameters<typeof checkSlice>[2]> = {},
): Promise<CheckReport> {
  const slice = await checkSlice(openSimulation(imageBytes, { gunzip, ...options }), payloads, {
    loadDisassembler,
    ...options,
  });
  return { format: 'xsplice-check/1', payloads: slice.payloads };
}

/** Returns an embedded example as a file. */
export const exampleFile = (name: string): PayloadInput => ({
  file: `${name}.livepatch`,
  name,
  bytes: exampleBytes(name),
});

/** Returns the miniature hypervisor's image with other bytes at these offsets from its start. Functions keep their symbols. */
export function alteredBytes(changes: Readonly<Record<number, string>>): Uint8Array {
  const bytes = imageBytes.slice();
  const elf = readElf(bytes);
  if (isProblem(elf)) throw new Error(elf.message);
  const text = elf.section('.text');
  for (const [at, digits] of Object.entries(changes)) {
    bytes.set(fromHex(digits) ?? [], (text?.offset ?? 0) + Number(at));
  }
  return bytes;
}

/** Returns the same image, opened for simulation. */
export const altered = (changes: Readonly<Record<number, string>>, release?: string): Simulation =>
  openSimulation(alteredBytes(changes), { gunzip, ...(release !== undefined && { release }) });

/** Returns a symbol's name in the miniature hypervisor's own table, with the file of a static one. */
export function coreNamed(bare: string): string {
  const { image, release } = miniature();
  for (const name of image.symbolsFor(release).names()) if (name === bare || name.endsWith(`#${bare}`)) return name;
  throw new Error(`the miniature hypervisor has no ${bare}`);
}

/** Returns the miniature hypervisor with the same file name for both dump_state. */
export function sameFiles(): Uint8Array {
  const bytes = imageBytes.slice();
  const elf = readElf(bytes);
  if (isProblem(elf)) throw new Error(elf.message);
  const { symbols } = elf;
  const files = [...symbols.findAll('dump_state')].map((i) => symbols.fileOf(i));
  const rows = files.map((file) => {
    for (let i = 1; i < symbols.count; i++) if (symbols.type(i) === STT_FILE && symbols.name(i) === file) return i;
    throw new Error('no such file');
  });
  const [first = 0, second = 0] = rows;
  const at = (symbols.section?.offset ?? 0) + second * (symbols.section?.entsize ?? 0);
  new DataView(bytes.buffer).setUint32(at, symbols.nameOffset(first), true);
  return bytes;
}

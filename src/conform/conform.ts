import type { Address } from '../base/index.ts';
import type { ConformDifference, ConformReport } from '../documents/index.ts';
import type { Image } from '../hypervisor/index.ts';
import type { Stage } from '../run/index.ts';
import { buildIdOf, buildPayload, type XenFacts, xenFacts } from '../synth/index.ts';
import type { Release } from '../xen/index.ts';
import { type ConformCase, type ConformStep, stepText } from './case.ts';
import { compare } from './compare.ts';
import { type Observation, type ObserveOptions, observe } from './observe.ts';

/** What answers the steps of one case: a simulated host, a real one, or a recording of one. */
export interface CaseHost {
  /** Takes the next step; see {@link observe}. A recording ignores the options, and returns all that it has. */
  observe(step: ConformStep, options: ObserveOptions): Promise<Observation | null>;
  close(): Promise<void>;
}

/** Makes a host ready for a case. */
export type OpenHost = (each: ConformCase) => Promise<CaseHost>;

/** Boots a host. */
export type BootStage = () => Promise<Stage>;

/** Runs each case on a host that was just booted. */
export const bootedFor =
  (boot: BootStage): OpenHost =>
  async () => {
    const stage = await boot();
    return {
      observe: (step, options) => observe(stage, step, options),
      close: () => stage.target.close(),
    };
  };

export interface ConformOptions {
  /** Of the hypervisor that both hosts run: payloads are made for it. */
  readonly image: Image;
  readonly release: Release;
  readonly simulated: OpenHost;
  readonly real: OpenHost;
  readonly cases: readonly ConformCase[];
  /** Finished files that payload specs name. */
  readonly files?: ReadonlyMap<string, Uint8Array>;
  /** Called before each step. */
  readonly progress?: (doing: string) => void;
  /** Called after each case. */
  readonly done?: (name: string, differences: readonly ConformDifference[]) => void;
}

/** Takes every case through both hosts, and compares what is observed after every step. */
export async function conform(options: ConformOptions): Promise<ConformReport> {
  const { cases } = options;
  const differences: ConformDifference[] = [];
  let agreed = 0;
  for (const [index, each] of cases.entries()) {
    const found = await runCase(each, options, `${index + 1}/${cases.length} ${each.name}`);
    if (found.length === 0) agreed++;
    differences.push(...found);
    options.done?.(each.name, found);
  }
  return { format: 'xsplice-conformance/1', cases: cases.length, agreed, differences };
}

/** Builds the case's files, by key. */
function buildFiles(
  each: ConformCase,
  xen: XenFacts,
  named?: ReadonlyMap<string, Uint8Array>,
): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const ids = new Map<string, Uint8Array>();
  for (const [key, spec] of Object.entries(each.payloads ?? {})) {
    const file = buildPayload(spec, { xen, ids, ...(named !== undefined && { files: named }) });
    files.set(key, file);
    ids.set(key, buildIdOf(file));
  }
  return files;
}

/** Builds a case's payloads, and returns what its steps are observed with: see {@link lookAfter}. `files` are those that specs name. */
export function observeOptions(
  each: ConformCase,
  image: Image,
  release: Release,
  files?: ReadonlyMap<string, Uint8Array>,
): ObserveOptions {
  const xen = xenFacts(image, release);
  return {
    release,
    files: buildFiles(each, xen, files),
    dump: false,
    live: false,
    pages: false,
    isScrubbed: scrubbedOf(image),
    watched: (each.watch ?? []).map((name) => xen.address(name)),
    patched: new Set(),
    isCode: codeOf(image),
  };
}

/** Returns where to look after a step: the key `x`, patched functions, and pages where they tell something. */
export function lookAfter(
  step: ConformStep,
  { noDump = false }: ConformCase,
): Pick<ObserveOptions, 'dump' | 'live' | 'pages'> {
  const acts = !['get', 'list', 'dump', 'extra', 'changeset'].some((kind) => kind in step);
  return { dump: acts && !noDump, live: acts, pages: acts };
}

async function runCase(each: ConformCase, options: ConformOptions, title: string): Promise<ConformDifference[]> {
  const { image, release } = options;
  const observing = observeOptions(each, image, release, options.files);
  const { deathVaries = false } = each;
  const onlyDeath = typeof deathVaries === 'boolean' ? deathVaries : deathVaries.includes(image.arch.name);
  const hosts: CaseHost[] = [];
  try {
    hosts.push(await options.simulated(each));
    hosts.push(await options.real(each));
    const [simulated, real] = hosts as [CaseHost, CaseHost];
    /** Has no page been given back? What lies between sections is never written, and is then left over from an earlier payload. */
    let untouched = true;
    for (const [index, step] of each.steps.entries()) {
      options.progress?.(`${title}: ${stepText(step)}`);
      const look = lookAfter(step, each);
      const right = await real.observe(step, { ...observing, ...look, pages: look.pages && untouched });
      if (right === null) continue;
      // The simulator shows whatever the other host shows, which may be a recording.
      const left = await simulated.observe(step, { ...observing, ...shownBy(right, step) });
      if (left === null) continue;
      if (onlyDeath && left.has('panic') && right.has('panic')) return [];
      const differences = compare(left, right).map((found) => ({ case: each.name, step: index + 1, ...found }));
      untouched &&= 'upload' in step ? right.get('rc') === 0 : !('unload' in step || 'raw' in step);
      // A difference leads to others, and nothing follows a death.
      if (differences.length > 0 || left.has('panic')) return differences;
    }
    return [];
  } finally {
    for (const host of hosts) await host.close();
  }
}

const shownBy = (seen: Observation, step: ConformStep): ReturnType<typeof lookAfter> => ({
  dump: seen.has('dump') && !('dump' in step),
  live: [...seen.keys()].some((field) => field.startsWith('live ')),
  pages: seen.has('pages'),
});

/** Recognises text of the hypervisor, and everything behind its image: payloads. */
export function codeOf(image: Image): (address: Address) => boolean {
  const { textStart, textEnd } = image.core;
  const end = endOf(image);
  return (address) => (address >= textStart && address < textEnd) || address >= end;
}

/** Where the image ends: payloads come behind it. */
const endOf = ({ regions }: Image): Address => regions[regions.length - 1]?.end ?? 0n;

/** Where free pages have a pattern rather than zeroes: behind the image, in a hypervisor with CONFIG_SCRUB_DEBUG. */
function scrubbedOf(image: Image): (address: Address) => boolean {
  const end = endOf(image);
  const scrubs = image.configured('CONFIG_SCRUB_DEBUG');
  return (address) => scrubs && address >= end;
}

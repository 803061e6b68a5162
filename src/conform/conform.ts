import type { Address } from '../base/index.ts';
import type { ConformDifference, ConformReport, ObservedValue } from '../documents/index.ts';
import type { Image } from '../hypervisor/index.ts';
import { buildIdOf, buildPayload, type XenFacts, xenFacts } from '../synth/index.ts';
import type { ObservableTarget, Release } from '../xen/index.ts';
import { type ConformCase, stepText } from './case.ts';
import { type Observation, observe } from './observe.ts';
import { takesRawCalls } from './raw-call.ts';

/** Gives a host that was just booted. */
export type MakeTarget = () => Promise<ObservableTarget>;

export interface ConformOptions {
  /** Of the hypervisor that both run: payloads are made for it. */
  readonly image: Image;
  readonly release: Release;
  readonly simulated: MakeTarget;
  readonly real: MakeTarget;
  readonly cases: readonly ConformCase[];
  /** Told before each step. */
  readonly progress?: (doing: string) => void;
  /** Told after each case. */
  readonly done?: (name: string, differences: readonly ConformDifference[]) => void;
}

/** Takes every case through both hosts, each of them fresh, and compares what is seen after every step. */
export async function conform(options: ConformOptions): Promise<ConformReport> {
  const { cases, image, release } = options;
  const xen = xenFacts(image, release);
  const differences: ConformDifference[] = [];
  let agreed = 0;
  for (const [index, each] of cases.entries()) {
    const found = await runCase(each, xen, options, `${index + 1}/${cases.length} ${each.name}`);
    if (found.length === 0) agreed++;
    differences.push(...found);
    options.done?.(each.name, found);
  }
  return { format: 'xsplice-conformance/1', cases: cases.length, agreed, differences };
}

/** The case's files by key. */
function buildFiles(each: ConformCase, xen: XenFacts): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const ids = new Map<string, Uint8Array>();
  for (const [key, spec] of Object.entries(each.payloads ?? {})) {
    const file = buildPayload(spec, { xen, ids });
    files.set(key, file);
    ids.set(key, buildIdOf(file));
  }
  return files;
}

async function runCase(
  each: ConformCase,
  xen: XenFacts,
  options: ConformOptions,
  title: string,
): Promise<ConformDifference[]> {
  const { release, image } = options;
  const files = buildFiles(each, xen);
  const watched = new Set<Address>((each.watch ?? []).map((name) => xen.address(name)));
  const isCode = codeOf(image);
  const scrubbed = scrubbedOf(image);
  const { wildDeath = false } = each;
  const wild = typeof wildDeath === 'boolean' ? wildDeath : wildDeath.includes(image.arch.name);
  const targets: ObservableTarget[] = [];
  try {
    targets.push(await options.simulated());
    targets.push(await options.real());
    const [simulated, real] = targets as [ObservableTarget, ObservableTarget];
    /** Has no page been given back, by a payload that was refused or unloaded? */
    let untouched = true;
    for (const [index, step] of each.steps.entries()) {
      options.progress?.(`${title}: ${stepText(step)}`);
      if ('raw' in step && !takesRawCalls(real)) continue;
      const acts = !('get' in step || 'list' in step);
      const observing = {
        arch: image.arch,
        release,
        files,
        dump: acts && each.noDump !== true,
        pages: untouched && 'upload' in step,
        isScrubbed: scrubbed,
        watched,
        isCode,
        extraVersion: xen.address('xen_extra_version'),
      };
      const left = await observe(simulated, step, observing);
      const right = await observe(real, step, observing);
      if (wild && left.has('panic') && right.has('panic')) return [];
      const differences = compare(left, right).map((difference) => ({
        case: each.name,
        step: index + 1,
        ...difference,
      }));
      untouched &&= 'upload' in step ? left.get('rc') === 0 : !('unload' in step || 'raw' in step);
      // What follows a difference would differ for its sake; and nothing follows a death.
      if (differences.length > 0 || left.has('panic')) return differences;
    }
    return [];
  } finally {
    for (const target of targets) await target.close();
  }
}

/** Text of the hypervisor, and everything behind its image: payloads. */
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

/** Fields that are not the same. A field that only one side has counts. */
export function compare(
  left: Observation,
  right: Observation,
): { field: string; simulated: ObservedValue; real: ObservedValue }[] {
  const fields = new Set([...left.keys(), ...right.keys()]);
  return [...fields]
    .map((field) => ({ field, simulated: left.get(field) ?? null, real: right.get(field) ?? null }))
    .filter(({ simulated, real }) => !sameValue(simulated, real));
}

function sameValue(a: ObservedValue, b: ObservedValue): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  return a.length === b.length && a.every((line, i) => line === b[i]);
}

import { ensure, type Finding } from '../../src/base/index.ts';
import { type MadePayload, makePayload } from '../../src/builder/index.ts';
import { PORTS } from '../../src/cli/ports.ts';
import { diffPairs } from '../../src/diff/index.ts';
import { loadEmulator } from '../../src/emulator/index.ts';
import type { OpenCpu } from '../../src/machine/index.ts';
import type { FunctionCall } from '../../src/xen/index.ts';
import { Random } from '../mutants/random.ts';
import { edited, type Made } from './edits.ts';
import { generate } from './generate.ts';
import { BUFFER, CallHost, type Seen } from './host.ts';
import { Images, type PatchArch, type Sources } from './images.ts';
import { functionsOf, type Program, variablesOf } from './model.ts';
import { type Naming, render, uniqueName } from './render.ts';

/** A program before and after an edit. Depends on seed and index alone. */
export interface Patch {
  readonly seed: number;
  readonly index: number;
  readonly before: Program;
  readonly after: Program;
  readonly edits: readonly Made[];
  /** Flags of the compiler besides the hypervisor's. */
  readonly flags: readonly string[];
  /** Calls on the host before the payload comes: they change its state. */
  readonly history: readonly FunctionCall[];
  /** Calls that are compared. */
  readonly calls: readonly FunctionCall[];
}

/**
 * What became of a patch. `unchanged`: the objects are the same program, and behave so. `warned`: the payload behaves otherwise, as a remark
 * announced.
 */
export type Outcome =
  | { readonly kind: 'built' | 'unchanged' | 'warned' }
  | { readonly kind: 'refused'; readonly refusals: readonly Finding[] }
  | { readonly kind: 'disagreed'; readonly differences: readonly Difference[] };

/** A call with different results, on the host and on the hypervisor that was compiled from the source. */
export interface Difference {
  readonly when: 'applied' | 'reverted';
  readonly call: string;
  readonly host: Seen | string;
  readonly source: Seen | string;
}

export interface PatchOptions {
  readonly arch: PatchArch;
  readonly seed: number;
  /** First index; 0 by default. */
  readonly from?: number;
  readonly count: number;
  /** Returns the program that the payload is built from; by default the patched one. Another must be noticed. */
  readonly payloadFrom?: (patch: Patch) => Program;
  /** Called after each patch. */
  readonly done: (patch: Patch, outcome: Outcome) => void;
  readonly signal?: AbortSignal;
}

/** Rules that announce a difference which Xen itself makes, and how the host's end then begins. Source: is_kernel in xen/arch/arm/traps.c, do_bug_frame. */
const KNOWN: ReadonlyMap<string, RegExp> = new Map([['payload-bug-frame', /Unexpected Trap: /]]);

/** Patches per hypervisor. */
const BATCH = 24;

const FLAGS: readonly (readonly string[])[] = [[], [], ['-fjump-tables'], ['-Os'], ['-O1']];

/** Draws a patch. */
export function makePatch(seed: number, index: number): Patch {
  const random = new Random(seed, index);
  const before = generate(random, `m${index}`);
  const { after, edits } = edited(before, random);
  const names = functionsOf(before)
    .filter(({ entry }) => entry)
    .map(({ name }) => name);
  const call = (name: string): FunctionCall => ({
    function: name,
    args: [
      { kind: 'int', value: BigInt(random.chance(70) ? random.below(64) : random.word()) },
      { kind: 'int', value: BigInt(random.chance(70) ? random.below(64) : random.word()) },
      { kind: 'buffer', bytes: new Uint8Array(BUFFER) },
    ],
  });
  const history = names.flatMap((name) => [call(name), call(name)]);
  const calls = Array.from({ length: 5 }, () => names.map(call)).flat();
  return { seed, index, before, after, edits, flags: random.pick(FLAGS), history, calls };
}

/** Draws patches, builds their payloads, and compares hosts that have them with hypervisors compiled from the patched sources. */
export async function runPatches(options: PatchOptions): Promise<void> {
  const { arch, seed, from = 0, count, done, signal, payloadFrom = ({ after }) => after } = options;
  const openCpu = await loadEmulator();
  const images = new Images(arch);
  try {
    for (let at = from; at < from + count && signal?.aborted !== true; at += BATCH) {
      const length = Math.min(BATCH, from + count - at);
      const patches = Array.from({ length }, (_, i) => makePatch(seed, at + i));
      const fixes = new Map(patches.map((patch) => [patch, payloadFrom(patch)]));
      await new Batch(images, fixes, openCpu).run(done, signal);
    }
  } finally {
    images.close();
  }
}

type Objects = ReadonlyMap<string, Uint8Array>;

/** Patches that share the hypervisors. */
class Batch {
  readonly #images: Images;
  /** Patches with the program that each payload is built from. */
  readonly #fixes: ReadonlyMap<Patch, Program>;
  readonly #openCpu: OpenCpu;

  constructor(images: Images, fixes: ReadonlyMap<Patch, Program>, openCpu: OpenCpu) {
    this.#images = images;
    this.#fixes = fixes;
    this.#openCpu = openCpu;
  }

  async run(done: PatchOptions['done'], signal: AbortSignal | undefined): Promise<void> {
    const compile = (programOf: (patch: Patch) => Program, naming: Naming) =>
      this.#compile((patch) => render(programOf(patch), naming), signal);
    const before = await compile((patch) => patch.before, 'shown');
    const after = await compile((patch) => this.#fix(patch), 'shown');
    const host = this.#host(before);
    const old = this.#host(await compile((patch) => patch.before, 'unique'));
    const patched = this.#host(await compile((patch) => patch.after, 'unique'));
    for (const patch of this.#fixes.keys()) {
      if (signal?.aborted === true) break;
      const made = await this.#make(patch, host, before, after);
      done(patch, await compareHosts(patch, made, { host, old, patched }));
    }
    for (const each of [host, old, patched]) await each.reboot();
  }

  #fix(patch: Patch): Program {
    return ensure(this.#fixes.get(patch), 'the patch is one of the batch');
  }

  #host(objects: Objects): CallHost {
    return new CallHost(this.#images.link(objects), this.#openCpu, /^m\d+_v\d+$/);
  }

  async #compile(sourcesOf: (patch: Patch) => Sources, signal: AbortSignal | undefined): Promise<Objects> {
    const objects = new Map<string, Uint8Array>();
    for (const flags of new Set(FLAGS.map((each) => each.join(' ')))) {
      const patches = [...this.#fixes.keys()].filter((patch) => patch.flags.join(' ') === flags);
      const sources: Sources = Object.assign({}, ...patches.map(sourcesOf));
      const list = flags === '' ? [] : flags.split(' ');
      for (const [name, bytes] of await this.#images.compile(sources, list, signal)) objects.set(name, bytes);
    }
    return objects;
  }

  async #make(patch: Patch, host: CallHost, before: Objects, after: Objects): Promise<MadePayload> {
    const { simulation } = host;
    const names = new Set([
      ...Object.keys(render(patch.before, 'shown')),
      ...Object.keys(render(this.#fix(patch), 'shown')),
    ]);
    const pairs = [...names].map((name) => ({
      object: name.replace(/\.c$/, '.o'),
      orig: before.get(name) ?? null,
      patched: after.get(name) ?? null,
    }));
    const { loadDisassembler, inflate } = PORTS;
    const name = `patch-${patch.index}`;
    const options = { disassembler: await loadDisassembler(), inflate, name };
    const diff = diffPairs(simulation.image, simulation.release, pairs, options);
    const request = { file: `${name}.livepatch`, name, titles: [], tool: 'patches' };
    const hostFor = () => Promise.resolve(simulation);
    return makePayload(diff, simulation, request, { env: process.env, loadDisassembler, inflate, hostFor });
  }
}

interface Hosts {
  /** Gets the payload. */
  readonly host: CallHost;
  /** The same program, in which every variable has a name of its own. */
  readonly old: CallHost;
  /** The patched program, with such names, too. */
  readonly patched: CallHost;
}

/**
 * Runs the same calls on the host with the payload, and on the patched hypervisor that has the state which the host had when the payload came; and
 * again after the payload was reverted.
 */
async function compareHosts(patch: Patch, made: MadePayload, { host, old, patched }: Hosts): Promise<Outcome> {
  if (made.verdict === 'refused') return { kind: 'refused', refusals: made.refusals };
  const { history, calls } = patch;
  const differences: Difference[] = [];
  const compare = (when: Difference['when'], actual: readonly Seen[], expected: readonly Seen[]): void => {
    for (const [i, source] of expected.entries()) {
      const seen = actual[i] as Seen;
      if (JSON.stringify(seen) !== JSON.stringify(source)) {
        differences.push({ when, call: callText(calls[i] as FunctionCall), host: seen, source });
      }
    }
  };
  await host.calls(history);
  await old.calls(history);
  carry(patch, old, patched);
  const name = `patch-${patch.index}`;
  const step = async (what: 'upload' | 'apply' | 'revert' | 'unload'): Promise<void> => {
    if (made.bytes === null) return;
    const { target } = host;
    const result = what === 'upload' ? target.uploadNow(name, made.bytes) : await target.action(name, what);
    const got = what === 'unload' ? result : await target.get(name);
    await target.takeConsole();
    const rc = 'rc' in got ? got.rc : 'none';
    const wrong = result.kind !== 'answered' || result.rc !== 0 || rc !== 0;
    if (wrong) differences.push({ when: 'applied', call: what, host: `result ${rc}`, source: 'result 0' });
  };
  await step('upload');
  await step('apply');
  compare('applied', await host.calls(calls), await patched.calls(calls));
  await step('revert');
  carry(patch, patched, old);
  if (differences.length === 0) compare('reverted', await host.calls(calls), await old.calls(calls));
  await step('unload');
  if (differences.length === 0) return { kind: made.verdict === 'built' ? 'built' : 'unchanged' };
  // Whatever went wrong shall not be held against the next patch.
  for (const each of [host, old, patched]) await each.reboot();
  return isAnnounced(made, differences) ? { kind: 'warned' } : { kind: 'disagreed', differences };
}

/** Did the host end as a remark of the builder says that Xen does? What follows is on another host. */
function isAnnounced({ remarks }: MadePayload, [first]: readonly Difference[]): boolean {
  if (first === undefined || typeof first.host === 'string' || first.host.result !== null) return false;
  const end = first.host.console.at(-1) ?? '';
  return remarks.some(({ rule }) => KNOWN.get(rule)?.test(end) === true);
}

/** Gives the variables that both programs have the values of the first. */
function carry({ before, after }: Patch, from: CallHost, to: CallHost): void {
  const kept = new Set(variablesOf(after).map(({ id }) => id));
  for (const variable of variablesOf(before)) {
    if (kept.has(variable.id)) to.poke(uniqueName(before, variable), from.peek(uniqueName(before, variable)));
  }
}

/** Returns a call as text: `f(1, 2)`. */
export const callText = ({ function: name, args }: FunctionCall): string =>
  `${name}(${args.map((arg) => (arg.kind === 'int' ? String(arg.value) : arg.kind === 'buffer' ? `zero(${arg.bytes.length})` : JSON.stringify(arg.text))).join(', ')})`;

import type { Architecture } from '../../src/arch/index.ts';
import { type Address, hex, hexAddress, XspliceError } from '../../src/base/index.ts';
import { compare, type MakeTarget } from '../../src/conform/conform.ts';
import {
  type DumpedFunction,
  dumpedFunctions,
  type Observation,
  withoutLineNumber,
} from '../../src/conform/observe.ts';
import type { ObservedValue } from '../../src/documents/index.ts';
import { type Image, SimulatedTarget } from '../../src/hypervisor/index.ts';
import { ADDRESS_LINE, panicText, resultText } from '../../src/run/result-text.ts';
import { ElfFields, readField } from '../../src/synth/elf-fields.ts';
import { xenFacts } from '../../src/synth/xen-facts.ts';
import type { ActionName, ObservableTarget, OpResult, Release } from '../../src/xen/index.ts';
import { rcOf } from '../support/answers.ts';
import { IDLE_FUNCTIONS } from './base-specs.ts';
import { MUTANT_PARTS, type MutantBase, mutantBases } from './bases.ts';
import { type Mutant, makeMutant } from './mutate.ts';

/** What the two hosts did not do alike with a mutant. */
export interface MutantDisagreement {
  readonly mutant: Mutant;
  readonly differences: readonly MutantDifference[];
}

export interface MutantDifference {
  /** `upload`, `apply`, …; with a number where it is not the first of its kind. */
  readonly step: string;
  readonly field: string;
  readonly simulated: ObservedValue;
  readonly real: ObservedValue;
}

/**
 * How the real host took a mutant. `wild`: what lies in memory that no simulator knows decides what happens, so there is nothing to compare. Either
 * the hypervisor follows a pointer into dom0's own memory, or it copies to and from wherever.
 */
export type MutantFate = 'refused' | 'accepted' | 'cycled' | 'died' | 'wild';

export interface MutantSummary {
  readonly seed: number;
  readonly mutants: number;
  /** Compared, and the same; the rest disagreed or is `wild`. */
  readonly agreed: number;
  /** On the real host; `cycled` ones were also applied and reverted, as far as they let themselves. */
  readonly fates: Readonly<Record<MutantFate, number>>;
  readonly disagreements: readonly MutantDisagreement[];
  /** Rule → mutants that it had a part in. */
  readonly rules: ReadonlyMap<string, number>;
}

export interface MutantOptions {
  readonly image: Image;
  readonly release: Release;
  readonly simulated: MakeTarget;
  readonly real: MakeTarget;
  readonly seed: number;
  /** First index; 0 by default. */
  readonly from?: number;
  readonly count: number;
  /** Asked before each mutant: `true` ends the run. */
  readonly stop?: () => boolean;
  /** Told after each mutant. */
  readonly progress?: (done: number, fate: MutantFate) => void;
  /** Told at once of each disagreement. Only the first {@link KEPT} are in the summary. */
  readonly disagreed?: (disagreement: MutantDisagreement) => void;
}

/** Disagreements that a summary holds: a simulator that is wrong all over must not fill the memory. */
export const KEPT = 1000;

const NAME = 'mutant';

/** Bytes that are read at a patched function: as many as a patch can take. */
const LIVE_BYTES = 35;

/**
 * Uploads mutant after mutant to both hosts and compares; accepted ones that patch nothing but functions nobody runs are applied,
 * reverted, applied and reverted, too. A host that dies is replaced, and so is its partner, as memory has to look alike.
 */
export async function runMutants(options: MutantOptions): Promise<MutantSummary> {
  const { seed, from = 0, count } = options;
  const runner = new Runner(options);
  const disagreements: MutantDisagreement[] = [];
  const fates = { refused: 0, accepted: 0, cycled: 0, died: 0, wild: 0 };
  const rules = new Map<string, number>();
  let done = 0;
  let disagreed = 0;
  try {
    for (let index = from; index < from + count && options.stop?.() !== true; index++) {
      const mutant = makeMutant(runner.bases, seed, index);
      for (const rule of new Set(mutant.changes.map((change) => change.rule)))
        rules.set(rule, (rules.get(rule) ?? 0) + 1);
      const { fate, differences } = await runner.run(mutant);
      fates[fate]++;
      done++;
      if (differences.length > 0) {
        const disagreement = { mutant, differences };
        disagreed++;
        if (disagreements.length < KEPT) disagreements.push(disagreement);
        options.disagreed?.(disagreement);
      }
      options.progress?.(done, fate);
    }
  } finally {
    await runner.close();
  }
  return { seed, mutants: done, agreed: done - disagreed - fates.wild, fates, disagreements, rules };
}

class Runner {
  readonly bases: readonly MutantBase[];
  readonly #options: MutantOptions;
  /** Start → bytes up to the next symbol. */
  readonly #idle: ReadonlyMap<Address, number>;
  #pair: readonly [simulated: ObservableTarget, real: ObservableTarget] | undefined;

  constructor(options: MutantOptions) {
    this.#options = options;
    const xen = xenFacts(options.image, options.release);
    this.bases = mutantBases(xen);
    const idle = [...IDLE_FUNCTIONS, MUTANT_PARTS[xen.arch.name].large];
    this.#idle = new Map(idle.map((name) => [xen.address(name), xen.size(name)]));
  }

  async run(mutant: Mutant): Promise<{ fate: MutantFate; differences: readonly MutantDifference[] }> {
    this.#pair ??= await this.#boot();
    const upload = await this.#both('upload', (target) => uploadStep(target, mutant.bytes));
    const real = upload.real;
    const ended = upload.differences.length > 0 || real.has('panic');
    if (ended) await this.close();
    if (upload.guest || (upload.differences.length > 0 && this.#copiesNegative(mutant)))
      return { fate: 'wild', differences: [] };
    if (real.has('panic')) return { fate: 'died', differences: upload.differences };
    if (real.get('rc') !== 0) return { fate: 'refused', differences: upload.differences };
    if (ended) return { fate: 'accepted', differences: upload.differences };
    return this.#cycle(dumpedFunctions(real.get('dump') as readonly string[]));
  }

  async #cycle(
    functions: readonly DumpedFunction[],
  ): Promise<{ fate: MutantFate; differences: readonly MutantDifference[] }> {
    const harmless = functions.every((func) => this.#harmless(func));
    const places = [...new Set(functions.map(({ oldAddr }) => oldAddr))];
    const actions: readonly ActionName[] = harmless ? ['apply', 'revert', 'apply', 'revert', 'unload'] : ['unload'];
    const fate: MutantFate = harmless ? 'cycled' : 'accepted';
    for (const [index, action] of actions.entries()) {
      const label = actions.indexOf(action) === index ? action : `${action} 2`;
      const { real, guest, differences } = await this.#both(label, (target) =>
        actionStep(target, action, harmless ? places : []),
      );
      const died = real.has('panic');
      // A payload that does not go away would be in the way of the next.
      if (differences.length > 0 || died || (action === 'unload' && real.get('rc') !== 0)) {
        await this.close();
        if (guest) return { fate: 'wild', differences: [] };
        return { fate: died ? 'died' : fate, differences };
      }
    }
    return { fate, differences: [] };
  }

  /** Would a patch of this function stay inside of a function that nobody runs? */
  #harmless({ oldAddr, newAddr, newSize }: DumpedFunction): boolean {
    const room = this.#idle.get(oldAddr);
    return room !== undefined && (newAddr !== 0n || newSize <= room);
  }

  /** Takes a step on both hosts. The simulator works while the answer of the other one is on its way. */
  async #both(step: string, take: (target: ObservableTarget) => Promise<Observation>) {
    const [simulated, real] = this.#pair as readonly [ObservableTarget, ObservableTarget];
    const [left, right] = await Promise.all([watch(simulated, take), watch(real, take)]);
    const told = this.#diesAlike(left, right) ? [] : compare(left, right);
    const differences = told.map((difference) => ({ step, ...difference }));
    return { real: right, differences, guest: differences.length > 0 && this.#faultsInGuest(left) };
  }

  /**
   * Does it have a section whose size is negative as a number with a sign? Arm's memcpy compares with a sign, and then copies next to nothing, but
   * to a place that depends on where it believes the end. Source: xen/arch/arm/arm64/lib/memcpy.S, arm32/lib/memcpy.S.
   */
  #copiesNegative({ bytes }: Mutant): boolean {
    const { name, elf } = this.#options.image.arch;
    if (name === 'x86_64') return false;
    try {
      const sign = 1n << BigInt(8 * elf.pointerSize - 1);
      const fields = new ElfFields(bytes);
      return fields.sections.some((section) => (readField(bytes, fields.shdr(section, 'sh_size')) ?? 0n) >= sign);
    } catch (error) {
      // Headers that lie outside of the file.
      if (error instanceof RangeError) return false;
      throw error;
    }
  }

  /** Did both die of the same fault, as far as the address of one tells? */
  #diesAlike(left: Observation, right: Observation): boolean {
    const granule = STRING_GRANULE[this.#options.image.arch.name];
    const [a, b] = [left.get('panic'), right.get('panic')].map((panic) =>
      Array.isArray(panic) ? panic.map((line) => roundedAddress(line, granule)).join('\n') : null,
    );
    return a !== null && a === b;
  }

  /** Did the host die of a page fault at an address that belongs to the guest? */
  #faultsInGuest(seen: Observation): boolean {
    const panic = seen.get('panic');
    const line = Array.isArray(panic) ? panic.find((text) => text.startsWith(ADDRESS_LINE)) : undefined;
    if (line === undefined) return false;
    return GUEST_ADDRESSES[this.#options.image.arch.name](BigInt(line.slice(ADDRESS_LINE.length)));
  }

  async #boot(): Promise<readonly [ObservableTarget, ObservableTarget]> {
    return [await this.#options.simulated(), await this.#options.real()];
  }

  async close(): Promise<void> {
    const pair = this.#pair;
    this.#pair = undefined;
    for (const target of pair ?? []) await target.close();
  }
}

/**
 * Bytes that the hypervisor's string functions read at once, in which a fault is then told anywhere. Source: xen/arch/arm/arm64/lib/strcmp.S and
 * its neighbours.
 */
const STRING_GRANULE: Readonly<Record<Architecture['name'], bigint>> = { x86_64: 1n, arm64: 16n, arm32: 1n };

const roundedAddress = (line: string, granule: bigint): string => {
  if (!line.startsWith(ADDRESS_LINE)) return line;
  const address = BigInt(line.slice(ADDRESS_LINE.length));
  return `${ADDRESS_LINE}${hexAddress(address - (address % granule))}`;
};

/**
 * Addresses that a guest may map itself while the hypervisor runs: a PV guest's, on x86, all below the first and all from the second on. Source:
 * asm/config.h of x86. On Arm the hypervisor's exception level has page tables of its own.
 */
const GUEST_ADDRESSES: Readonly<Record<Architecture['name'], (address: Address) => boolean>> = {
  x86_64: (address) => address < 0x8000_0000_0000n || address >= 0xffff_8800_0000_0000n,
  arm64: () => false,
  arm32: () => false,
};

/** Takes a step; a host that dies meanwhile has nothing to show but its panic. */
async function watch(
  target: ObservableTarget,
  take: (target: ObservableTarget) => Promise<Observation>,
): Promise<Observation> {
  let seen: Observation | undefined;
  try {
    seen = await take(target);
  } catch (error) {
    if (!(error instanceof XspliceError) || error.code !== 'EHOST') throw error;
  }
  const panic = await target.panic();
  if (seen !== undefined && seen.get('rc') !== null && panic === null) return seen;
  if (panic !== null) return new Map([['panic', panicText(panic)]]);
  const hook = target instanceof SimulatedTarget ? target.hookReached() : null;
  if (hook !== null) return new Map([['hook', `${hook.kind} hook at ${hexAddress(hook.address)}`]]);
  return seen ?? new Map([['panic', ['the host gives no answer, and no reason']]]);
}

/** `null` stands for a call from which the host did not come back. */
const rcText = (result: OpResult): ObservedValue => resultText(rcOf(result));

async function uploadStep(target: ObservableTarget, bytes: Uint8Array): Promise<Observation> {
  const uploaded = await target.upload(NAME, bytes);
  const seen: Observation = new Map([['rc', rcText(uploaded)]]);
  if (uploaded.kind === 'no-answer') return seen;
  seen.set('console', (await target.takeConsole()).map(withoutLineNumber));
  if (uploaded.rc !== 0) return seen;
  await target.dump();
  return seen.set('dump', await target.takeConsole());
}

async function actionStep(
  target: ObservableTarget,
  action: ActionName,
  places: readonly Address[],
): Promise<Observation> {
  const acted = await target.action(NAME, action);
  const seen: Observation = new Map([['rc', rcText(acted)]]);
  if (acted.kind === 'no-answer') return seen;
  if (action !== 'unload') {
    const got = await target.get(NAME);
    if (got.kind === 'found') seen.set('state', got.state).set('status', resultText(got.statusRc));
  }
  seen.set('console', (await target.takeConsole()).map(withoutLineNumber));
  if (action === 'unload') return seen;
  for (const place of places) {
    const bytes = await target.peek(place, LIVE_BYTES);
    seen.set(`live ${hexAddress(place)}`, bytes === null ? null : hex(bytes));
  }
  return seen;
}

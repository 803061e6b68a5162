import { type Address, hex, hexAddress } from '../../src/base/index.ts';
import { compare, type FieldDifference } from '../../src/conform/compare.ts';
import type { BootStage } from '../../src/conform/index.ts';
import { type Observation, observationOf } from '../../src/conform/observe.ts';
import type { Image } from '../../src/hypervisor/index.ts';
import { hostEnded, type Stage, type Step, type StepOutcome, takeStep } from '../../src/run/index.ts';
import { ElfFields } from '../../src/synth/elf-fields.ts';
import { xenFacts } from '../../src/synth/xen-facts.ts';
import { type ActionName, type DumpedFunction, type HostPanic, type Release, readDump } from '../../src/xen/index.ts';
import { IDLE_FUNCTIONS, type MutantParts } from './base-specs.ts';
import { MUTANT_PARTS, type MutantBase, mutantBases } from './bases.ts';
import { type Mutant, makeMutant } from './mutate.ts';
import { readField } from './read-field.ts';

/** A mutant on which the two hosts differ. */
export interface MutantDisagreement {
  readonly mutant: Mutant;
  readonly differences: readonly MutantDifference[];
}

export interface MutantDifference extends FieldDifference {
  /** `upload`, `apply`, …; with a number from the second of its kind on. */
  readonly step: string;
}

/**
 * What the real host did with a mutant. `cycled`: applied and reverted, too. `incomparable`: memory that no simulator can know decided. Either the
 * hypervisor followed a pointer into dom0's memory, or it copied to an unpredictable place.
 */
export type MutantResult = 'refused' | 'accepted' | 'cycled' | 'died' | 'incomparable';

export interface MutantSummary {
  readonly seed: number;
  readonly mutants: number;
  /** Mutants on which the hosts agreed; the others disagreed or are `incomparable`. */
  readonly agreed: number;
  readonly results: Readonly<Record<MutantResult, number>>;
  readonly disagreements: readonly MutantDisagreement[];
  /** Mutants that each rule changed. */
  readonly rules: ReadonlyMap<string, number>;
}

export interface MutantOptions {
  readonly image: Image;
  readonly release: Release;
  readonly simulated: BootStage;
  readonly real: BootStage;
  readonly seed: number;
  /** First index; 0 by default. */
  readonly from?: number;
  readonly count: number;
  /** Called before each mutant: `true` ends the run. */
  readonly stop?: () => boolean;
  /** Called after each mutant. */
  readonly progress?: (done: number, result: MutantResult) => void;
  /** Called at once for each disagreement. The summary has only the first {@link KEPT}. */
  readonly disagreed?: (disagreement: MutantDisagreement) => void;
}

/** Disagreements that a summary holds: a simulator that is wrong everywhere must not fill the memory. */
export const KEPT = 1000;

const NAME = 'mutant';

/** Bytes that are read at a patched function: the most that a patch can take. */
const LIVE_BYTES = 35;

/**
 * Uploads mutants to both hosts and compares. Accepted mutants that patch only functions which nobody runs are also applied, reverted, applied and
 * reverted. After a death both hosts are replaced, as their memory has to look alike.
 */
export async function runMutants(options: MutantOptions): Promise<MutantSummary> {
  const { seed, from = 0, count } = options;
  const runner = new Runner(options);
  const disagreements: MutantDisagreement[] = [];
  const results = { refused: 0, accepted: 0, cycled: 0, died: 0, incomparable: 0 };
  const rules = new Map<string, number>();
  let done = 0;
  let disagreed = 0;
  try {
    for (let index = from; index < from + count && options.stop?.() !== true; index++) {
      const mutant = makeMutant(runner.bases, seed, index);
      for (const rule of new Set(mutant.changes.map((change) => change.rule)))
        rules.set(rule, (rules.get(rule) ?? 0) + 1);
      const { result, differences } = await runner.run(mutant);
      results[result]++;
      done++;
      if (differences.length > 0) {
        const disagreement = { mutant, differences };
        disagreed++;
        if (disagreements.length < KEPT) disagreements.push(disagreement);
        options.disagreed?.(disagreement);
      }
      options.progress?.(done, result);
    }
  } finally {
    await runner.close();
  }
  return { seed, mutants: done, agreed: done - disagreed - results.incomparable, results, disagreements, rules };
}

interface MutantRun {
  readonly result: MutantResult;
  readonly differences: readonly MutantDifference[];
}

/** A step that both hosts took. */
interface BothTook {
  readonly real: StepOutcome;
  readonly differences: readonly MutantDifference[];
  /** They differ because the hypervisor accessed dom0's memory. */
  readonly inGuest: boolean;
}

class Runner {
  readonly bases: readonly MutantBase[];
  readonly #options: MutantOptions;
  readonly #parts: MutantParts;
  /** Functions that nobody runs: start → bytes up to the next symbol. */
  readonly #idle: ReadonlyMap<Address, number>;
  #pair: readonly [simulated: Stage, real: Stage] | undefined;

  constructor(options: MutantOptions) {
    this.#options = options;
    const xen = xenFacts(options.image, options.release);
    this.bases = mutantBases(xen);
    this.#parts = MUTANT_PARTS[xen.arch.name];
    const idle = [...IDLE_FUNCTIONS, this.#parts.large];
    this.#idle = new Map(idle.map((name) => [xen.address(name), xen.size(name)]));
  }

  async run(mutant: Mutant): Promise<MutantRun> {
    this.#pair ??= await this.#boot();
    const step: Step = { verb: 'upload', name: NAME, payload: mutant.bytes };
    const { real, inGuest, differences } = await this.#both('upload', step, []);
    const ended = differences.length > 0 || hostEnded(real);
    if (ended) await this.close();
    if (inGuest || (differences.length > 0 && this.#copiesNegative(mutant)))
      return { result: 'incomparable', differences: [] };
    if (real.kind !== 'answered') return { result: 'died', differences };
    if (real.rc !== 0) return { result: 'refused', differences };
    return ended ? { result: 'accepted', differences } : this.#cycle();
  }

  async #cycle(): Promise<MutantRun> {
    const pressed = await this.#both('dump', { verb: 'dump' }, []);
    const functions = readDump(pressed.real.console).flatMap((payload) => payload.functions);
    const harmless = functions.every((func) => this.#harmless(func));
    const places = harmless ? [...new Set(functions.map(({ oldAddr }) => oldAddr))] : [];
    const actions: readonly ActionName[] = harmless ? ['apply', 'revert', 'apply', 'revert', 'unload'] : ['unload'];
    const result: MutantResult = harmless ? 'cycled' : 'accepted';
    if (pressed.differences.length > 0) {
      await this.close();
      return { result: 'accepted', differences: pressed.differences };
    }
    for (const [index, action] of actions.entries()) {
      const label = actions.indexOf(action) === index ? action : `${action} 2`;
      const { real, inGuest, differences } = await this.#both(label, { verb: action, name: NAME }, places);
      // A payload that cannot be unloaded would be in the way of the next.
      const stays = action === 'unload' && real.kind === 'answered' && real.rc !== 0;
      if (differences.length > 0 || hostEnded(real) || stays) {
        await this.close();
        if (inGuest) return { result: 'incomparable', differences: [] };
        return { result: hostEnded(real) ? 'died' : result, differences };
      }
    }
    return { result, differences: [] };
  }

  /** Would a patch of this function stay inside a function that nobody runs? */
  #harmless({ oldAddr, newAddr, newSize }: DumpedFunction): boolean {
    const room = this.#idle.get(oldAddr);
    return room !== undefined && (newAddr !== 0n || newSize <= room);
  }

  /** Takes a step on both hosts, at the same time, and compares what it did to these functions, too. */
  async #both(label: string, step: Step, places: readonly Address[]): Promise<BothTook> {
    const [simulated, real] = this.#pair as readonly [Stage, Stage];
    const [[left, seenLeft], [right, seenRight]] = await Promise.all([
      takeAndLook(simulated, step, places),
      takeAndLook(real, step, places),
    ]);
    const found = this.#diesAlike(left, right) ? [] : compare(seenLeft, seenRight);
    const differences = found.map((difference) => ({ step: label, ...difference }));
    return { real: right, differences, inGuest: differences.length > 0 && this.#faultsInGuest(left) };
  }

  /** Does it have a section whose size is negative as a signed number, where that makes memcpy unpredictable? */
  #copiesNegative({ bytes }: Mutant): boolean {
    if (!this.#parts.signedCopies) return false;
    try {
      const sign = 1n << BigInt(8 * this.#options.image.arch.elf.pointerSize - 1);
      const fields = new ElfFields(bytes);
      return fields.sections.some((section) => (readField(bytes, fields.shdr(section, 'sh_size')) ?? 0n) >= sign);
    } catch (error) {
      // Headers that lie outside of the file.
      if (error instanceof RangeError) return false;
      throw error;
    }
  }

  /** Did both die of the same fault, as far as its address tells? */
  #diesAlike(left: StepOutcome, right: StepOutcome): boolean {
    if (left.kind !== 'died' || right.kind !== 'died') return false;
    const fault = ({ message, errorCode, address }: HostPanic): string =>
      `${message} ${errorCode} ${address === null ? null : address / this.#parts.stringGranule}`;
    return fault(left.panic) === fault(right.panic);
  }

  /** Did the host die of a page fault at an address that belongs to the guest? */
  #faultsInGuest(outcome: StepOutcome): boolean {
    const address = outcome.kind === 'died' ? outcome.panic.address : null;
    return address !== null && this.#options.image.arch.pvGuestAddress?.(address) === true;
  }

  async #boot(): Promise<readonly [Stage, Stage]> {
    return [await this.#options.simulated(), await this.#options.real()];
  }

  async close(): Promise<void> {
    const pair = this.#pair;
    this.#pair = undefined;
    for (const { target } of pair ?? []) await target.close();
  }
}

async function takeAndLook(
  stage: Stage,
  step: Step,
  places: readonly Address[],
): Promise<[outcome: StepOutcome, seen: Observation]> {
  const outcome = await takeStep(stage, step);
  const seen = observationOf(outcome);
  for (const place of hostEnded(outcome) || step.verb === 'unload' ? [] : places) {
    const bytes = await stage.target.peek(place, LIVE_BYTES);
    seen.set(`live ${hexAddress(place)}`, bytes === null ? null : hex(bytes));
  }
  return [outcome, seen];
}

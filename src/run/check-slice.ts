import type { Disassembler } from '../arch/index.ts';
import { ensure, type Finding, XspliceError } from '../base/index.ts';
import type { CheckedPayload, XenIdentity } from '../documents/index.ts';
import { documentFinding } from '../documents/index.ts';
import { isProblem } from '../elf/index.ts';
import type { FindingSpots } from '../inspect/index.ts';
import type { LintedPayload, LintRule, RuleLevels } from '../lint/index.ts';
import type { PayloadInput } from '../payload/index.ts';
import { readPayload } from '../payload/index.ts';
import { checkOn } from './check.ts';
import { companionsInFolder } from './lint-set.ts';
import type { SimulationOptions } from './options.ts';
import type { Ports } from './ports.ts';
import type { Simulation } from './simulation.ts';

export interface LintCheckOptions extends SimulationOptions, Partial<Pick<Ports, 'loadDisassembler' | 'inflate'>> {
  /** Severities that the user chose for rules. */
  readonly levels?: RuleLevels;
  /** The payloads come from a folder: their order means nothing, and they may be for different hypervisors. */
  readonly fromFolder?: boolean;
  /** Default: all rules. */
  readonly rules?: readonly LintRule[];
}

/** Payloads that were checked on one hypervisor. */
export interface CheckSlice {
  readonly xen: XenIdentity;
  readonly payloads: readonly CheckedPayload[];
  /** Adds the code around each place, and its line of source. Without a disassembler the code is bytes alone. */
  withCode(): Promise<CheckedPayload[]>;
}

/**
 * Runs Xen's own checks, then the rules of lint on each payload and on all of them together. The rules also run on payloads that Xen refuses. A
 * payload that Xen accepts is `unsafe` if lint finds an error. Several slices of one simulation share what was read of its image.
 *
 * @param wanted indices of the payloads to check, all by default. The others are there to depend on.
 */
export async function checkSlice(
  simulation: Simulation,
  payloads: readonly PayloadInput[],
  options: LintCheckOptions,
  wanted: readonly number[] = payloads.map((_, i) => i),
): Promise<CheckSlice> {
  const chosen = wanted.map((i) => ensure(payloads[i], 'what is checked is one of the payloads'));
  const checked = await checkOn(simulation, payloads, options, chosen);
  const found = checked.map(({ findings }) => findings);
  const linted = await lintPayloads(simulation, payloads, wanted, found, options);
  const all = checked.map(({ document: payload }, i): CheckedPayload => {
    const found = linted[i] ?? [];
    const harmful = payload.verdict === 'accepted' && found.some(({ severity }) => severity === 'error');
    return {
      ...payload,
      verdict: harmful ? 'unsafe' : payload.verdict,
      findings: [...payload.findings, ...found.map(documentFinding)],
    };
  });
  const spots = await spotsOf(all, chosen, simulation, options);
  return {
    xen: simulation.identity,
    payloads: all,
    withCode: async () => {
      const disassembler = spots.some(({ found }) => found) ? await disassemblerOf(options) : null;
      return all.map((each, i) => ({ ...each, findings: spots[i]?.withCode(disassembler) ?? each.findings }));
    },
  };
}

/** Loads the disassembler. Returns null if there is none, or it cannot be loaded. */
async function disassemblerOf({ loadDisassembler }: LintCheckOptions): Promise<Disassembler | null> {
  try {
    return (await loadDisassembler?.()) ?? null;
  } catch (error) {
    if (!(error instanceof XspliceError)) throw error;
    return null;
  }
}

/** Finds the code that the findings of each payload point to. */
async function spotsOf(
  checked: readonly CheckedPayload[],
  payloads: readonly PayloadInput[],
  simulation: Simulation,
  { inflate }: LintCheckOptions,
): Promise<FindingSpots[]> {
  // Most payloads have no findings: load what reads code and debug information only for the others.
  if (checked.every(({ findings }) => findings.length === 0)) return [];
  const { findingSpots } = await import('../inspect/index.ts');
  return checked.map(({ findings }, i) =>
    findingSpots(findings, ensure(payloads[i], 'each payload has a result'), simulation, inflate),
  );
}

/** Runs lint on the wanted payloads. Returns the findings of each, in the same order. */
async function lintPayloads(
  simulation: Simulation,
  payloads: readonly PayloadInput[],
  wanted: readonly number[],
  said: readonly (readonly Finding[])[],
  options: LintCheckOptions,
): Promise<Finding[][]> {
  // Imported here, so that a rehearsal starts without it.
  const { RULES, runLint } = await import('../lint/index.ts');
  const { rules = RULES, levels, loadDisassembler, inflate, fromFolder = false } = options;
  const { image, release, processor } = simulation;
  const set = payloads.map((payload) => lintedPayload(payload, release.emptySectionsPlaced));
  const all = set.filter((each) => each !== null);
  const loader = loadOnce(loadDisassembler);
  const linted: Finding[][] = [];
  for (const [i, index] of wanted.entries()) {
    const payload = set[index] ?? null;
    if (payload === null) {
      linted.push([]);
      continue;
    }
    const input = {
      payload,
      set: fromFolder ? companionsInFolder(payload, all) : all,
      image,
      release,
      processor,
      loader: said[i] ?? [],
      ...(inflate !== undefined && { inflate }),
    };
    linted.push(
      await runLint(rules, input, {
        ...(levels !== undefined && { levels }),
        ...(loader !== undefined && { loadDisassembler: loader }),
      }),
    );
  }
  return linted;
}

/** Payloads that were read before: each is linted together with all others, on every hypervisor. */
const readBefore = new WeakMap<PayloadInput, Map<boolean, LintedPayload | null>>();

/** Reads a payload for lint. Returns null if it is not an ELF file. */
function lintedPayload(payload: PayloadInput, emptySectionsPlaced: boolean): LintedPayload | null {
  const known = readBefore.get(payload) ?? new Map<boolean, LintedPayload | null>();
  readBefore.set(payload, known);
  let linted = known.get(emptySectionsPlaced);
  if (linted === undefined) {
    const content = readPayload(payload.bytes, { emptySectionsPlaced });
    linted = isProblem(content) ? null : { file: payload.file, name: payload.name, content };
    known.set(emptySectionsPlaced, linted);
  }
  return linted;
}

/** Returns a function that loads once and gives the same promise ever after. */
function loadOnce<T>(load: (() => Promise<T>) | undefined): (() => Promise<T>) | undefined {
  let loading: Promise<T> | undefined;
  return load && (() => (loading ??= load()));
}

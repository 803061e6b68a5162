import type { Disassembler } from '../arch/index.ts';
import type { Finding } from '../base/index.ts';
import type { Inflate } from '../dwarf/index.ts';
import { isProblem } from '../elf/index.ts';
import type { LintedPayload, LintRule, RuleLevels } from '../lint/index.ts';
import { readPayload } from '../payload/index.ts';
import { checkOn } from './check.ts';
import { documentFinding } from './document-finding.ts';
import type { CheckReport } from './documents.ts';
import type { PayloadFile, SimulationOptions } from './options.ts';
import { openSimulation } from './simulation.ts';

export interface LintCheckOptions extends SimulationOptions {
  /** What the user made of the rules. */
  readonly levels?: RuleLevels;
  /** Loads a disassembler, where a rule needs one. A port: `xsplice/disassembler` has one. */
  readonly loadDisassembler?: () => Promise<Disassembler>;
  /** Unpacks zlib streams: debug sections may be compressed. A port. */
  readonly inflate?: Inflate;
  /** Default: all there are. */
  readonly rules?: readonly LintRule[];
}

/**
 * As {@link checkPayloads}, and then everything that lint sees in each payload and in all of them together: Xen's own refusals come first.
 * The rules run on payloads that Xen refuses too. One that Xen would take is `unsafe` where lint finds an error.
 */
export async function checkAndLint(
  image: Uint8Array,
  payloads: readonly PayloadFile[],
  options: LintCheckOptions,
): Promise<CheckReport> {
  // Loaded by those who ask for it: a rehearsal starts without.
  const { RULES, runLint } = await import('../lint/index.ts');
  const { rules = RULES, levels, loadDisassembler, inflate } = options;
  const simulation = openSimulation(image, options);
  const { checked, said } = checkOn(simulation, payloads, options);
  const set = payloads.map((payload): LintedPayload | null => {
    const content = readPayload(payload.bytes, { emptySectionsPlaced: simulation.release.emptySectionsPlaced });
    return isProblem(content) ? null : { file: payload.file, name: payload.name, content };
  });
  const loader = loadOnce(loadDisassembler);
  const linted: Finding[][] = [];
  for (const [i, payload] of set.entries()) {
    if (payload === null) {
      linted.push([]);
      continue;
    }
    const input = {
      payload,
      set: set.filter((each) => each !== null),
      image: simulation.image,
      release: simulation.release,
      processor: simulation.processor,
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
  return {
    format: 'xsplice-check/1',
    payloads: checked.map((payload, i) => {
      const found = linted[i] ?? [];
      const harmful = payload.verdict === 'accepted' && found.some(({ severity }) => severity === 'error');
      return {
        ...payload,
        verdict: harmful ? 'unsafe' : payload.verdict,
        findings: [...payload.findings, ...found.map(documentFinding)],
      };
    }),
  };
}

/** The same promise however often it is asked for. */
function loadOnce<T>(load: (() => Promise<T>) | undefined): (() => Promise<T>) | undefined {
  let loading: Promise<T> | undefined;
  return load && (() => (loading ??= load()));
}

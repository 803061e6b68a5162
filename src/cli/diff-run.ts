import { resolve } from 'node:path';
import { XspliceError } from '../base/index.ts';
import { hostFor, joinObjects, type LinkerChoice, makePayload, openHost } from '../builder/index.ts';
import { about, diffPairs, type PairsDiff, type StaticChoice } from '../diff/index.ts';
import { type DiffDocument, documentFinding, listsOf, type WrittenPayload } from '../documents/index.ts';
import type { RuleLevels } from '../lint/index.ts';
import type { Simulation, SimulationOptions } from '../run/index.ts';
import { toByteString } from './byte-string.ts';
import type { Context } from './context.ts';
import { readImage } from './files.ts';
import { ownPairs, readObjectPairs } from './object-pairs.ts';
import { type OutputFile, outputFile } from './output-file.ts';
import { PORTS } from './ports.ts';
import { VERSION } from './version.ts';

/** The options of `xsplice diff`. */
export interface DiffRun {
  readonly orig: string;
  readonly patched: string;
  readonly xen: string;
  /** File for the payload or its object. Without it, nothing is written. */
  readonly out?: string;
  /** File for the payload with debug information. */
  readonly debugFile?: string;
  /** Name of the payload. */
  readonly name: string;
  /** Link a payload; `null`: write the object. */
  readonly link: LinkRequest | null;
  readonly linker: LinkerChoice;
  /** Keep a refused payload as `OUT.refused`. */
  readonly keep: boolean;
  readonly allowedLayouts: readonly string[];
  readonly statics: readonly StaticChoice[];
  readonly simulation: Pick<SimulationOptions, 'release' | 'cpu'>;
  readonly progress: (doing: string) => void;
}

/** Dependencies of a linked payload, and the rules to lint it with. */
export interface LinkRequest {
  readonly depends?: Uint8Array;
  readonly xenDepends?: Uint8Array;
  readonly levels: RuleLevels;
}

/** Files that a diff may write. */
interface Outputs {
  readonly out: OutputFile | null;
  readonly refused: OutputFile | null;
  readonly debug: OutputFile | null;
}

function outputsOf({ orig, patched, xen, out, debugFile, keep }: DiffRun, cwd: string): Outputs {
  if (out !== undefined && debugFile !== undefined && resolve(cwd, out) === resolve(cwd, debugFile)) {
    throw new XspliceError('EUSAGE', `--output and --debug-file are both ${out}`, 'give two different files');
  }
  const inputs = [orig, patched, xen];
  const at = (path: string | undefined): OutputFile | null =>
    path === undefined ? null : outputFile(path, cwd, inputs);
  return { out: at(out), refused: at(keep && out !== undefined ? `${out}.refused` : undefined), debug: at(debugFile) };
}

/** The bytes to write, and the document without its files. */
interface Outcome {
  readonly document: Omit<DiffDocument, 'payload' | 'debug'>;
  readonly bytes: Uint8Array | null;
  readonly debug: Uint8Array | null;
}

/** Compares, links, verifies and writes. Rejects with an XspliceError if a file or a tool fails. */
export async function runDiff(run: DiffRun, { io }: Context): Promise<DiffDocument> {
  const outputs = outputsOf(run, io.cwd);
  const image = readImage(run.xen, io.cwd);
  const simulation = openHost(image, run.simulation, PORTS);
  run.progress('reading the objects …');
  const found = readObjectPairs(run.orig, run.patched, io.cwd);
  const { pairs, remarks } = ownPairs(found, simulation.image.arch.machine);
  const disassembler = await PORTS.loadDisassembler();
  run.progress(`comparing ${pairs.length === 1 ? pairs[0]?.object : `${pairs.length} objects`} …`);
  const diff = diffPairs(simulation.image, simulation.release, pairs, {
    disassembler,
    inflate: PORTS.inflate,
    allowedLayouts: run.allowedLayouts,
    statics: run.statics,
    name: run.name,
    debugData: run.debugFile !== undefined,
  });
  const told = { ...diff, remarks: [...remarks, ...diff.remarks] };
  const { compared, identical } = found;
  const outcome = await finish(told, { image, simulation }, run, { compared, identical }, io.env);
  return write(outcome, outputs, run);
}

async function finish(
  diff: PairsDiff,
  { image, simulation }: { readonly image: Uint8Array; readonly simulation: Simulation },
  run: DiffRun,
  objects: DiffDocument['objects'],
  env: Context['io']['env'],
): Promise<Outcome> {
  const { link, linker, name, out, progress } = run;
  const common = { format: 'xsplice-diff/2', objects, functions: diff.functions } as const;
  if (link === null) {
    const { verdict } = diff;
    const bytes =
      verdict === 'built' && out !== undefined ? await joinObjects(diff, simulation, { ...linker, env }) : null;
    return { document: { ...common, verdict, ...listsOf(diff), verified: null }, bytes, debug: null };
  }
  const { levels, ...rest } = link;
  const file = toByteString(out ?? `${name}.livepatch`);
  const request = {
    ...rest,
    ...linker,
    name,
    file,
    titles: [],
    tool: `xsplice ${VERSION}`,
    debugData: run.debugFile !== undefined,
  };
  const made = await makePayload(diff, simulation, request, {
    levels,
    inflate: PORTS.inflate,
    loadDisassembler: PORTS.loadDisassembler,
    hostFor: (payload) => hostFor(payload, simulation, image, run.simulation, PORTS),
    env,
    progress,
  });
  const { verdict, verified, bytes, debug } = made;
  const { release, buildId } = simulation.identity;
  return {
    document: { ...common, verdict, ...listsOf(made), verified: verified ? { release, buildId } : null },
    bytes,
    debug,
  };
}

function write({ document, bytes, debug }: Outcome, outputs: Outputs, run: DiffRun): DiffDocument {
  if (document.verdict === 'built') {
    if (debug === null) outputs.debug?.remove();
    return {
      ...document,
      payload: written(outputs.out, bytes),
      debug: written(outputs.debug, debug),
    };
  }
  // A payload of an earlier run must not pass for the result of this one.
  outputs.out?.remove();
  outputs.debug?.remove();
  const kept = written(outputs.refused, bytes);
  const remarks =
    kept === null
      ? []
      : [
          documentFinding(
            about(
              'payload-kept',
              toByteString(run.out ?? run.name),
              null,
              `the refused payload is kept in ${kept.file}`,
            ),
          ),
        ];
  return { ...document, remarks: [...document.remarks, ...remarks], payload: null, debug: null };
}

const written = (file: OutputFile | null, bytes: Uint8Array | null): WrittenPayload | null =>
  file === null || bytes === null ? null : file.write(bytes);

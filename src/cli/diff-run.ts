import { resolve } from 'node:path';
import { XspliceError } from '../base/index.ts';
import { hostFor, joinObjects, type LinkerChoice, makePayload, openHost } from '../builder/index.ts';
import { diffPairs, type PairsDiff } from '../diff/index.ts';
import type { DiffDocument, Remark, WrittenPayload } from '../documents/index.ts';
import type { RuleLevels } from '../lint/index.ts';
import type { Simulation, SimulationOptions } from '../run/index.ts';
import { toByteString } from './byte-string.ts';
import type { Context } from './context.ts';
import { readImage } from './files.ts';
import { ownPairs, readObjectPairs } from './object-pairs.ts';
import { type OutputFile, outputFile } from './output-file.ts';
import { PORTS } from './ports.ts';
import { VERSION } from './version.ts';

/** What `xsplice diff` was told. */
export interface DiffRun {
  readonly orig: string;
  readonly patched: string;
  readonly xen: string;
  /** Where the payload, or its object, goes; nothing is written without it. */
  readonly out?: string;
  /** Where the payload with its debug information goes. */
  readonly debugFile?: string;
  /** Of the payload. */
  readonly name: string;
  /** Link it into a payload; `null` for the object alone. */
  readonly link: LinkRequest | null;
  readonly linker: LinkerChoice;
  /** Keep a payload that was refused, beside where it would be. */
  readonly keep: boolean;
  readonly allowedLayouts: readonly string[];
  readonly simulation: Pick<SimulationOptions, 'release' | 'cpu'>;
  readonly progress: (doing: string) => void;
}

/** What a linked payload says of itself. */
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
    throw new XspliceError('EUSAGE', `${out} cannot be the payload and its debug information`, 'name two files');
  }
  const inputs = [orig, patched, xen];
  const at = (path: string | undefined): OutputFile | null =>
    path === undefined ? null : outputFile(path, cwd, inputs);
  return { out: at(out), refused: at(keep && out !== undefined ? `${out}.refused` : undefined), debug: at(debugFile) };
}

/** What there is to write, and the document without the files. */
interface Outcome {
  readonly document: Omit<DiffDocument, 'payload' | 'debug'>;
  readonly bytes: Uint8Array | null;
  readonly debug: Uint8Array | null;
}

/** Compares, links, verifies and writes. Rejects with an XspliceError for what is wrong with the environment. */
export async function runDiff(run: DiffRun, { io }: Context): Promise<DiffDocument> {
  const outputs = outputsOf(run, io.cwd);
  const image = readImage(run.xen, io.cwd);
  const simulation = openHost(image, run.simulation, PORTS);
  run.progress('read the objects …');
  const found = readObjectPairs(run.orig, run.patched, io.cwd);
  const { pairs, remarks } = ownPairs(found, simulation.image.arch.machine);
  const disassembler = await PORTS.loadDisassembler();
  run.progress(`compare ${pairs.length === 1 ? pairs[0]?.object : `${pairs.length} objects`} …`);
  const diff = diffPairs(simulation.image, simulation.release, pairs, {
    disassembler,
    inflate: PORTS.inflate,
    allowedLayouts: run.allowedLayouts,
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
  const common = { format: 'xsplice-diff/1', objects, functions: diff.functions } as const;
  if (link === null) {
    const { verdict, refusals, remarks } = diff;
    const bytes =
      verdict === 'built' && out !== undefined ? await joinObjects(diff, simulation, { ...linker, env }) : null;
    return { document: { ...common, verdict, refusals, remarks, verified: null }, bytes, debug: null };
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
  const { verdict, refusals, remarks, verified, bytes, debug } = made;
  const { release, buildId } = simulation.identity;
  return {
    document: { ...common, verdict, refusals, remarks, verified: verified ? { release, buildId } : null },
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
  // What is there after this run is what this run has made.
  outputs.out?.remove();
  outputs.debug?.remove();
  const kept = written(outputs.refused, bytes);
  const remarks = kept === null ? [] : [remark(`the refused payload is kept in ${kept.file}`, run)];
  return { ...document, remarks: [...document.remarks, ...remarks], payload: null, debug: null };
}

const written = (file: OutputFile | null, bytes: Uint8Array | null): WrittenPayload | null =>
  file === null || bytes === null ? null : file.write(bytes);

const remark = (text: string, { out, name }: DiffRun): Remark => ({
  text,
  symbol: null,
  object: toByteString(out ?? name),
});

import { resolve } from 'node:path';
import { XspliceError } from '../base/index.ts';
import {
  type Base,
  type BuildRequest,
  type BuildResult,
  type BuildTools,
  buildAll,
  type LinkerChoice,
  MANIFEST_MOST,
  type PatchFile,
  payloadName,
  readManifest,
  readPatchFiles,
} from '../builder/index.ts';
import type { StaticChoice } from '../diff/index.ts';
import { type BuildDocument, type BuildVerdict, type BuiltBase, listsOf } from '../documents/index.ts';
import { parseRuleLevels, RULES } from '../lint/index.ts';
import { type OutputPlan, type Outputs, outputsOf } from './build-outputs.ts';
import { toByteString } from './byte-string.ts';
import type { Context } from './context.ts';
import { readBounded } from './files.ts';
import { checkedName } from './payload-options.ts';
import { PORTS } from './ports.ts';
import { VERSION } from './version.ts';

/** A base as the user gave it. */
export interface BaseRequest extends Omit<Base, 'pristine'> {
  /** Its name in the report. */
  readonly name: string;
  readonly pristine: readonly string[];
}

/** The options of `xsplice build`. Paths are as given. */
export interface BuildRun extends OutputPlan {
  /** A manifest, instead of patches and bases. */
  readonly manifest?: string;
  readonly patches: readonly string[];
  readonly bases: readonly BaseRequest[];
  /** Name of the payload. Default: from the manifest, else from the first patch. */
  readonly name?: string;
  readonly linker: LinkerChoice;
  readonly allowedLayouts: readonly string[];
  readonly statics: readonly StaticChoice[];
  readonly rules: readonly string[];
  readonly keep: boolean;
  readonly jobs: number;
  readonly progress: (doing: string) => void;
}

/** Upper bound of a patch file, in bytes. `readPatches` has its own, lower limit and reports it. */
const PATCH_CAP = 64 << 20;

/** Builds for every base and writes the payloads. Rejects with an XspliceError if the only base fails, or if the run is interrupted. */
export async function runBuild(run: BuildRun, { io }: Context, signal: AbortSignal): Promise<BuildDocument> {
  const { patches, bases, name } = await resolveRequest(run, io.cwd);
  const plan = { ...run, inputs: inputsOf(patches, bases) };
  const outputs = outputsOf(plan, name, bases.length > 1 || run.manifest !== undefined, io.cwd);
  const read = (path: string): PatchFile => ({
    file: toByteString(path),
    bytes: readBounded(path, io.cwd, PATCH_CAP, 'patch'),
  });
  const files = patches.map(read);
  const request: BuildRequest = {
    ...run.linker,
    patches: files,
    name,
    allowedLayouts: run.allowedLayouts,
    statics: run.statics,
    debugData: outputs.debug,
    keep: run.keep,
  };
  const several = bases.length > 1;
  const results = await buildAll(
    bases.map((base) => absolute(base, io.cwd, read)),
    request,
    toolsOf(run, io.env, signal),
    (i) => (doing) => run.progress(several ? `${bases[i]?.name}: ${doing}` : doing),
  );
  const [only] = results;
  if (!several && only instanceof XspliceError) throw only;
  const seenIds = new Map<string, string>();
  const documents = results.map((result, i) => document(bases[i] as BaseRequest, result, outputs, seenIds));
  return {
    format: 'xsplice-build/2',
    verdict: WORST_FIRST.find((verdict) => documents.some((base) => base.verdict === verdict)) ?? 'unchanged',
    name,
    patches: readPatchFiles(files).patches.map(({ title, file }) => ({ title, file })),
    bases: documents,
  };
}

const WORST_FIRST: readonly BuildVerdict[] = ['error', 'refused', 'built', 'unchanged'];

/** Returns patches, bases and name, from the command line or from the manifest. */
async function resolveRequest(
  run: BuildRun,
  cwd: string,
): Promise<Required<Pick<BuildRun, 'patches' | 'bases' | 'name'>>> {
  const { manifest } = run;
  if (manifest === undefined) return { ...run, name: nameOf(run.name, run.patches) };
  const bytes = readBounded(manifest, cwd, 4 * MANIFEST_MOST, 'manifest');
  const text = new TextDecoder().decode(bytes);
  const { name, patches, bases } = await readManifest(text, toByteString(manifest), resolve(cwd, manifest, '..'));
  return { patches, bases, name: nameOf(run.name ?? name, patches) };
}

const nameOf = (name: string | undefined, patches: readonly string[]): string =>
  checkedName(name ?? payloadName(patches[0] ?? ''));

const inputsOf = (patches: readonly string[], bases: readonly BaseRequest[]): string[] => [
  ...patches,
  ...bases.flatMap(({ xen, config, pristine }) => [xen, config, ...pristine].filter((path) => path !== undefined)),
];

const absolute = (base: BaseRequest, cwd: string, read: (path: string) => PatchFile): Base => {
  const { name: _, ...rest } = base;
  return {
    ...rest,
    source: resolve(cwd, base.source),
    ...(base.xen !== undefined && { xen: resolve(cwd, base.xen) }),
    ...(base.config !== undefined && { config: resolve(cwd, base.config) }),
    pristine: base.pristine.map(read),
  };
};

/** Returns what `builder/` needs from this machine and from other rooms. */
export function toolsOf(
  { rules, jobs, linker }: Pick<BuildRun, 'rules' | 'jobs' | 'linker'>,
  env: BuildTools['env'],
  signal?: AbortSignal,
): BuildTools {
  const { crossPrefix } = linker;
  return {
    ports: PORTS,
    levels: parseRuleLevels(rules, RULES),
    env: crossPrefix === undefined ? env : { ...env, CROSS_COMPILE: crossPrefix },
    jobs,
    tool: `xsplice ${VERSION}`,
    signal,
  };
}

/** Writes the files of a base and returns its part of the document. `seenIds` has the names of earlier bases by build-id. */
function document(
  base: BaseRequest,
  result: BuildResult | XspliceError,
  outputs: Outputs,
  seenIds: Map<string, string>,
): BuiltBase {
  const identity = { name: toByteString(base.name), source: toByteString(base.source) };
  if (result instanceof XspliceError) return { ...NOT_BUILT, ...identity, error: errorOf(result) };
  const { bytes, debug, ...rest } = result;
  const id = result.xen?.buildId ?? null;
  const other = id === null || !outputs.several ? undefined : seenIds.get(id);
  if (other !== undefined) {
    const message = `same build-id as ${other}: both payloads would go to the same file`;
    return { ...NOT_BUILT, ...identity, error: { code: 'EUSAGE', message, hint: 'list each hypervisor once' } };
  }
  if (id !== null) seenIds.set(id, identity.name);
  return { ...rest, ...listsOf(rest), ...identity, error: null, ...outputs.write(id, result.verdict, bytes, debug) };
}

const errorOf = ({ code, message, hint }: XspliceError): BuiltBase['error'] => ({ code, message, hint: hint ?? null });

const NOT_BUILT = {
  verdict: 'error',
  xen: null,
  compiled: 0,
  cached: 0,
  objects: { compared: 0, identical: 0 },
  functions: [],
  refusals: [],
  remarks: [],
  verified: null,
  payload: null,
  debug: null,
  kept: null,
} as const;

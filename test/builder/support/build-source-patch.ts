/** A patch of the tests through `src/builder`, as the command line calls it. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { XspliceError } from '../../../src/base/index.ts';
import { type BuildResult, buildAll, payloadName } from '../../../src/builder/index.ts';
import { toolsOf } from '../../../src/cli/build-run.ts';
import type { Environment } from '../../../src/system/index.ts';
import type { SourceXen } from '../../support/source-xen.ts';
import type { SourcePatch } from '../source-patches/manifest.ts';

const FOLDER = new URL('../source-patches/', import.meta.url);

/** Builds a patch for the hypervisor that lies in the cache with its tree. */
export async function buildSourcePatch(
  { tree, xenSyms }: SourceXen,
  { file }: Pick<SourcePatch, 'file'>,
  env: Environment,
): Promise<BuildResult> {
  const bytes = new Uint8Array(readFileSync(fileURLToPath(new URL(file, FOLDER))));
  const tools = toolsOf({ rules: [], linker: {}, jobs: availableParallelism() }, env);
  const request = { name: payloadName(file), patches: [{ file, bytes }] };
  const [result] = await buildAll([{ source: tree, xen: xenSyms }], request, tools);
  if (result === undefined || result instanceof XspliceError) throw result ?? new Error('nothing was built');
  return result;
}

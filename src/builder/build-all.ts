import { XspliceError } from '../base/index.ts';
import { throwIfInterrupted } from '../system/index.ts';
import { build } from './build.ts';
import type { Base, BuildRequest, BuildResult, BuildTools } from './request.ts';
import { inParallel } from './tree/in-parallel.ts';

/**
 * Builds for several hypervisors, in parallel as far as there are jobs. If one fails, the others go on, and its error takes the
 * place of its result. Rejects if the signal stops everything.
 *
 * @param started receives the index of a base when its build starts, and returns the build's progress callback.
 */
export function buildAll(
  bases: readonly Base[],
  request: BuildRequest,
  tools: BuildTools,
  started: (base: number) => BuildTools['progress'] = () => tools.progress,
): Promise<(BuildResult | XspliceError)[]> {
  const atOnce = Math.max(1, Math.min(tools.jobs, bases.length));
  // While one base waits for its linker, the compilers of another run.
  const jobs = Math.max(1, Math.floor(tools.jobs / atOnce));
  const indexed = bases.map((base, index) => ({ base, index }));
  return inParallel(indexed, atOnce, async ({ base, index }) => {
    throwIfInterrupted(tools.signal);
    try {
      return await build(base, request, { ...tools, jobs, progress: started(index) });
    } catch (error) {
      throwIfInterrupted(tools.signal);
      if (!(error instanceof XspliceError)) throw error;
      return error;
    }
  });
}

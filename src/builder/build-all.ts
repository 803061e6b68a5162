import { XspliceError } from '../base/index.ts';
import { throwIfInterrupted } from '../system/index.ts';
import { build } from './build.ts';
import type { Base, BuildRequest, BuildResult, BuildTools } from './request.ts';
import { inParallel } from './tree/in-parallel.ts';

/**
 * Builds for several hypervisors, side by side as far as there are jobs. One that fails does not stop the others: its error stands in place
 * of its result. Rejects where the signal ends it all.
 *
 * @param started is told which base, from 0, is being built, and gives what that one reports to.
 */
export function buildAll(
  bases: readonly Base[],
  request: BuildRequest,
  tools: BuildTools,
  started: (base: number) => BuildTools['progress'] = () => tools.progress,
): Promise<(BuildResult | XspliceError)[]> {
  const atOnce = Math.max(1, Math.min(tools.jobs, bases.length));
  // Where a base waits for its linker, the compilers of another one run.
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

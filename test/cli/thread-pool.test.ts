import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { CHECKING, type CheckJob, type CheckJobResult, runCheckJob } from '../../src/cli/check-job.ts';
import { runJobs, type ThreadWork } from '../../src/cli/thread-pool.ts';
import { examplePath } from '../support/examples.ts';

/** So many checks of an example, each a job. */
const jobs = (count: number): CheckJob[] =>
  Array.from({ length: count }, (_, i) => ({
    xen: examplePath('miniature-xen'),
    payloads: [examplePath('hello'), examplePath('wrong-build-id')],
    wanted: [i % 2],
    cwd: '/',
    run: 1_000_000,
    options: {},
  }));

/** Checks that take so many milliseconds more where they are run in this thread, and how many were. */
function delayed(milliseconds: number): {
  readonly work: ThreadWork<CheckJob, CheckJobResult>;
  readonly count: () => number;
} {
  let count = 0;
  const here = async (job: CheckJob): Promise<CheckJobResult> => {
    count++;
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    return runCheckJob(job);
  };
  return { work: { ...CHECKING, here }, count: () => count };
}

const verdicts = (results: readonly (CheckJobResult | undefined)[]): unknown[] =>
  results.map((result) => (result?.error === null ? result.payloads[0]?.verdict : result?.error));

describe('jobs', () => {
  it('that take long go on in threads, where there are any', async () => {
    const { work, count } = delayed(500);
    const results: (CheckJobResult | undefined)[] = jobs(12).map(() => undefined);
    await runJobs(work, jobs(12), { done: (result, index) => void results.splice(index, 1, result) });
    expect(verdicts(results)).toEqual(jobs(12).map(({ wanted }) => (wanted[0] === 0 ? 'accepted' : 'refused')));
    expect(count()).toBe(availableParallelism() > 1 ? 1 : 12);
  });

  it('that are done soon stay here', async () => {
    const { work, count } = delayed(0);
    const seen: number[] = [];
    await runJobs(work, jobs(6), { done: (_, index) => void seen.push(index) });
    expect(seen).toEqual([0, 1, 2, 3, 4, 5]);
    expect(count()).toBe(6);
  });

  it('are begun no more once there is no sense in it', async () => {
    const { work, count } = delayed(0);
    const seen: number[] = [];
    await runJobs(work, jobs(6), {
      threads: 1,
      enough: () => seen.length === 2,
      done: (_, index) => void seen.push(index),
    });
    expect(count()).toBe(2);
  });
});

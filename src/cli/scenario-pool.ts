import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { ScenarioRun } from '../scenario/index.ts';
import { runJob, type ScenarioJob } from './scenario-job.ts';

/** Fewer runs than this are done sooner than threads are started. */
const WORTH_THREADS = 8;

export interface PoolOptions {
  /** Threads; as many as there are processors where not given. */
  readonly jobs?: number;
  /** Told of each run as it ends, in whatever order. */
  readonly done: (run: ScenarioRun, index: number) => void;
}

/** What a thread begins with: a file beside this one, in the sources as in dist/. */
function workerFile(): string {
  const self = import.meta.filename;
  return join(dirname(self), basename(self).endsWith('.ts') ? 'scenario-worker.mjs' : 'scenario-worker.cjs');
}

/** Runs jobs, in threads where there are enough of them. Rejects where a thread dies: our own bug. */
export async function runJobs(jobs: readonly ScenarioJob[], { jobs: wanted, done }: PoolOptions): Promise<void> {
  const threads = Math.min(wanted ?? availableParallelism(), jobs.length);
  if (threads <= 1 || (wanted === undefined && jobs.length < WORTH_THREADS)) {
    for (const [index, job] of jobs.entries()) done(await runJob(job), index);
    return;
  }
  const { Tinypool } = await import('tinypool');
  const pool = new Tinypool({ filename: workerFile(), name: 'runJob', minThreads: threads, maxThreads: threads });
  try {
    // A few at a time for each thread: what waits for its turn is not copied yet.
    let next = 0;
    const feed = async (): Promise<void> => {
      for (let index = next++; index < jobs.length; index = next++) {
        done((await pool.run(jobs[index])) as ScenarioRun, index);
      }
    };
    await Promise.all(Array.from({ length: 2 * threads }, feed));
  } finally {
    await pool.destroy();
  }
}

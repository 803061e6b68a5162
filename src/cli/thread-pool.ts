import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** Work for threads: plain data in, plain data out. */
export interface ThreadWork<J, R> {
  /** Name of the export of `worker.ts` that does it. */
  readonly name: string;
  /** Does the same in this thread. */
  readonly here: (job: J) => Promise<R>;
}

/** Milliseconds that a thread needs to start Node and to load and compile the simulator. Measured with two threads. */
const STARTING_MS = 1000;

/** Milliseconds to run jobs here before estimating their cost: the first ones read files and load code. */
const PATIENCE_MS = 300;

export interface PoolOptions<R> {
  /** Number of threads. By default one per CPU, and only if the jobs take long enough. */
  readonly threads?: number;
  /** Receives each result as it arrives, in any order. */
  readonly done: (result: R, index: number) => void;
  /** Called before each job; true stops the run. */
  readonly enough?: () => boolean;
}

/** Returns the entry point of a thread: beside this file, both in the sources and in dist/. */
function workerFile(): string {
  const self = import.meta.filename;
  return join(dirname(self), basename(self).endsWith('.ts') ? 'worker.mjs' : 'worker.cjs');
}

/**
 * Runs jobs, and starts threads if that is faster. The first jobs run here, to measure their cost. Jobs start in order. Rejects if a thread
 * dies, which is a bug.
 */
export async function runJobs<J, R>(
  work: ThreadWork<J, R>,
  jobs: readonly J[],
  { threads: wanted, done, enough = () => false }: PoolOptions<R>,
): Promise<void> {
  const threads = Math.min(wanted ?? availableParallelism(), jobs.length);
  const begun = performance.now();
  let next = 0;
  const slow = (): boolean => {
    const spent = performance.now() - begun;
    if (spent <= PATIENCE_MS) return false;
    const left = (spent / next) * (jobs.length - next);
    return left / threads + STARTING_MS < left;
  };
  while (next < jobs.length && (threads <= 1 || (wanted === undefined && !slow()))) {
    if (enough()) return;
    const index = next++;
    done(await work.here(jobs[index] as J), index);
  }
  if (next < jobs.length) await runThreads(work, jobs, next, threads, { done, enough });
}

async function runThreads<J, R>(
  work: ThreadWork<J, R>,
  jobs: readonly J[],
  first: number,
  threads: number,
  { done, enough }: Required<Pick<PoolOptions<R>, 'done' | 'enough'>>,
): Promise<void> {
  const { Tinypool } = await import('tinypool');
  const pool = new Tinypool({ filename: workerFile(), name: work.name, minThreads: threads, maxThreads: threads });
  try {
    // Two jobs in flight per thread; later ones are not copied yet.
    let next = first;
    const feed = async (): Promise<void> => {
      for (let index = next++; index < jobs.length && !enough(); index = next++) {
        done((await pool.run(jobs[index])) as R, index);
      }
    };
    await Promise.all(Array.from({ length: 2 * threads }, feed));
  } finally {
    await pool.destroy();
  }
}

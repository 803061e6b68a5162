import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** Work that threads can do: plain data in, plain data out. */
export interface ThreadWork<J, R> {
  /** Its name among the exports of `worker.ts`. */
  readonly name: string;
  /** The same, to be run in this thread. */
  readonly here: (job: J) => Promise<R>;
}

/** Milliseconds until threads do as much as this one: Node starts, loads the simulator, and compiles it anew. Measured with two of them. */
const STARTING_MS = 1000;

/** Milliseconds that say what jobs cost: the first ones read files and load code. */
const PATIENCE_MS = 300;

export interface PoolOptions<R> {
  /** Threads. Where not given as many as there are processors, once jobs have shown that they take long enough. */
  readonly threads?: number;
  /** Told of each result as it is there, in whatever order. */
  readonly done: (result: R, index: number) => void;
  /** Asked before each job: is there no sense in going on? */
  readonly enough?: () => boolean;
}

/** What a thread begins with: a file beside this one, in the sources as in dist/. */
function workerFile(): string {
  const self = import.meta.filename;
  return join(dirname(self), basename(self).endsWith('.ts') ? 'worker.mjs' : 'worker.cjs');
}

/**
 * Runs jobs, in threads where that is sooner: the first are run here, until it shows. Jobs are begun in their order. Rejects where a thread dies:
 * our own bug.
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
    // A few at a time for each thread: what waits for its turn is not copied yet.
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

import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** Work that threads can do: plain data in, plain data out. */
export interface ThreadWork<J, R> {
  /** Its name among the exports of `worker.ts`. */
  readonly name: string;
  /** The same, to be run in this thread. */
  readonly here: (job: J) => Promise<R>;
  /** Fewer jobs than this are done sooner than threads are started. */
  readonly worthThreads: number;
}

export interface PoolOptions<R> {
  /** Threads; as many as there are processors where not given. */
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

/** Runs jobs, in threads where there are enough of them. Jobs are begun in their order. Rejects where a thread dies: our own bug. */
export async function runJobs<J, R>(
  work: ThreadWork<J, R>,
  jobs: readonly J[],
  { threads: wanted, done, enough = () => false }: PoolOptions<R>,
): Promise<void> {
  const threads = Math.min(wanted ?? availableParallelism(), jobs.length);
  if (threads <= 1 || (wanted === undefined && jobs.length < work.worthThreads)) {
    for (const [index, job] of jobs.entries()) {
      if (enough()) return;
      done(await work.here(job), index);
    }
    return;
  }
  const { Tinypool } = await import('tinypool');
  const pool = new Tinypool({ filename: workerFile(), name: work.name, minThreads: threads, maxThreads: threads });
  try {
    // A few at a time for each thread: what waits for its turn is not copied yet.
    let next = 0;
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

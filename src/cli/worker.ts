/** The entry of a thread, see `thread-pool.ts`: a file of its own in dist/, see scripts/build.mjs. */
export { runCheckJob } from './check-job.ts';
export { runJob } from './scenario-job.ts';

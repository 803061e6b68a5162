/** The entry of a thread that runs scenarios: a file of its own in dist/, see scripts/build.mjs. */
export { runJob } from './scenario-job.ts';

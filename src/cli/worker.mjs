// A thread that runs from the sources, where tsx is not there by itself: threads have no part of it.
import { register } from 'tsx/esm/api';

register();

export const { runCheckJob, runJob } = await import('./worker.ts');

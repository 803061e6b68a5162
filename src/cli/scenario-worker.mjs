// A thread that runs scenarios from the sources, where tsx is not there by itself: threads have no part of it.
import { register } from 'tsx/esm/api';

register();

export const { runJob } = await import('./scenario-worker.ts');

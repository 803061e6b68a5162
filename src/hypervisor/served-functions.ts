import { SERVED_CONSOLE } from './served-console.ts';
import { SERVED_CPUS } from './served-cpus.ts';
import type { ServedFunction } from './served-function.ts';
import { SERVED_LIVEPATCH } from './served-livepatch.ts';
import { SERVED_LOCKS } from './served-locks.ts';
import { SERVED_MEMORY } from './served-memory.ts';
import { SERVED_TIME } from './served-time.ts';

/** Every function of the hypervisor that is carried out on our side instead of being run, and why. */
export const SERVED_FUNCTIONS: readonly ServedFunction[] = [
  ...SERVED_CONSOLE,
  ...SERVED_LOCKS,
  ...SERVED_MEMORY,
  ...SERVED_TIME,
  ...SERVED_CPUS,
  ...SERVED_LIVEPATCH,
];

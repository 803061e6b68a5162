import { SIMULATED_CONSOLE } from './simulated-console.ts';
import { SIMULATED_CPUS } from './simulated-cpus.ts';
import type { SimulatedFunction } from './simulated-function.ts';
import { SIMULATED_LIVEPATCH } from './simulated-livepatch.ts';
import { SIMULATED_LOCKS } from './simulated-locks.ts';
import { SIMULATED_MEMORY } from './simulated-memory.ts';
import { SIMULATED_TIME } from './simulated-time.ts';

/** Every function of the hypervisor that is simulated instead of run, and why. */
export const SIMULATED_FUNCTIONS: readonly SimulatedFunction[] = [
  ...SIMULATED_CONSOLE,
  ...SIMULATED_LOCKS,
  ...SIMULATED_MEMORY,
  ...SIMULATED_TIME,
  ...SIMULATED_CPUS,
  ...SIMULATED_LIVEPATCH,
];

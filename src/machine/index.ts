/**
 * A simulated host: memory behind page tables, CPUs in virtual time, a console with levels. Knows nothing of livepatch.
 *
 * Start at `machine.ts`.
 */
export * from './address-space.ts';
export * from './clock.ts';
export * from './console.ts';
export * from './cpu.ts';
export * from './fault.ts';
export * from './journal.ts';
export * from './log-level.ts';
export * from './machine.ts';
export * from './mapping.ts';
export type * from './open-cpu.ts';
export * from './physical-memory.ts';
export * from './scheduler.ts';

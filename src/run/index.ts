/** Steps on a target and their outcomes: check, rehearsal, scenario files. */
export * from './check.ts';
export * from './check-slice.ts';
export * from './matrix.ts';
export * from './options.ts';
export { type PlannedCall, plannedCall } from './planned-call.ts';
export type { Ports, ProcessorOptions } from './ports.ts';
export * from './rehearsal.ts';
export type { RehearsalOptions } from './rehearsal-steps.ts';
export * from './result-text.ts';
export * from './script/index.ts';
export * from './simulated-stage.ts';
export * from './simulation.ts';
export * from './stage.ts';
export * from './step.ts';
export * from './step-document.ts';
export * from './take-step.ts';

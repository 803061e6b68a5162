/** Two hosts held against each other, case by case and step by step. */
export { type ConformCase, type ConformStep, type RawCall, runsOn, stepText } from './case.ts';
export * from './compare-scenarios.ts';
export * from './conform.ts';
export * from './load-cases.ts';
export type { PlaceBytes, RawTarget } from './raw-call.ts';
export * from './upload-buffer-probe.ts';

/** Compares two hosts, case by case and step by step. */
export { type ConformCase, type ConformStep, type RawCall, runsOn, stepText } from './case.ts';
export * from './compare-scenarios.ts';
export {
  type BootStage,
  bootedFor,
  type CaseHost,
  type ConformOptions,
  conform,
  type OpenHost,
} from './conform.ts';
export * from './load-cases.ts';
export * from './upload-buffer-probe.ts';

/** What the commands do with an image and payloads: check, rehearse, inspect; and the documents that come of it. */
export { CPU_PRESETS } from '../arch/index.ts';
export * from './check.ts';
export * from './document-finding.ts';
export * from './documents.ts';
export * from './inspect.ts';
export * from './options.ts';
export * from './rehearsal.ts';
export * from './simulated-stage.ts';
export * from './simulation.ts';
export * from './stage.ts';

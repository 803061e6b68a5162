/** Payloads with something wrong in them, made by rules out of sound ones, on two hosts at once. */
export * from './bases.ts';
export * from './mutate.ts';
export * from './random.ts';
export type { MutationRule } from './rule.ts';
export * from './run.ts';

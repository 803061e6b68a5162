/** A source tree and a patch, as objects before and after, as a live patch: runs compilers and linkers. Effects. */
export * from './link.ts';
export type { LinkerChoice } from './linkers.ts';
export * from './patches/index.ts';
export * from './payload.ts';
export * from './tree/index.ts';
export * from './verify.ts';
export type { RulePage } from './verify-text.ts';

/** Builds a live patch from a source tree and patches: runs compilers and linkers. Effects. */
export * from './build.ts';
export * from './build-all.ts';
export * from './link.ts';
export type { LinkerChoice } from './linkers.ts';
export * from './manifest.ts';
export { readPatchFiles } from './patched.ts';
export * from './patches/index.ts';
export * from './payload.ts';
export type * from './request.ts';
export { hostFor, openHost } from './simulated-host.ts';
export * from './tree/index.ts';
export * from './verify.ts';

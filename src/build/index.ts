/** A source tree and a patch, as objects before and after, as a live patch: runs compilers and linkers. Effects. */
export * from './tree/index.ts';

/** The machine that we run on: programs, private folders, clean-up, and the cache. Effects. */
export * from './cache.ts';
export * from './cleanup.ts';
export * from './toolchain.ts';
export * from './tools.ts';

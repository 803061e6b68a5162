/** Two objects, before and after a change of the source: what changed and why, and the payload object that carries it. */

export { about } from './about.ts';
export { diffPairs } from './diff.ts';
export * from './notes-object.ts';
export type * from './types.ts';

/** Reads source patches as posted, applies them to a tree, and keeps the line numbers of unchanged lines. */
export { applyPatches } from './apply-patches.ts';
export { goneLines } from './gone-lines.ts';
export { keepLines } from './keep-lines.ts';
export { payloadName } from './payload-name.ts';
export { readPatches } from './read-patches.ts';
export type * from './types.ts';

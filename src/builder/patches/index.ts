/** Source patches as they are posted: read, applied to a tree, and the patched sources with their lines where they were. */
export { applyPatches } from './apply-patches.ts';
export { goneLines } from './gone-lines.ts';
export { keepLines } from './keep-lines.ts';
export { payloadName } from './payload-name.ts';
export { readPatches } from './read-patches.ts';
export type * from './types.ts';

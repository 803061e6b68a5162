/** Sources and edits of them, made by rules, and what their payloads do compared with the patched sources. */
export * from './edits.ts';
export { generate } from './generate.ts';
export type { PatchArch } from './images.ts';
export * from './keep.ts';
export * from './render.ts';
export * from './run.ts';

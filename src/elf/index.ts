/** ELF32 and ELF64 as data: record tables, lenient views, names, and a two-phase writer. Imports `base`. */
export * from './constants.ts';
export * from './copy.ts';
export * from './file.ts';
export * from './layout.ts';
export { ELF_NAME_MAX } from './name-index.ts';
export * from './names.ts';
export * from './notes.ts';
export * from './problem.ts';
export * from './relocation-names.ts';
export * from './relocations.ts';
export * from './section.ts';
export * from './string-table.ts';
export * from './symbols.ts';
export * from './writer.ts';
export type * from './writer-model.ts';
export type { ElfPlan, PlannedSection } from './writer-plan.ts';

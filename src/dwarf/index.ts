/** DWARF: line tables, functions with their inlined copies, structure layouts. */
export type { SectionPlace } from './code-places.ts';
export { compareLayout, type LayoutDifference, layoutChanges } from './compare.ts';
export type { Inflate } from './debug-sections.ts';
export * from './definitions.ts';
export * from './difference-words.ts';
export * from './file.ts';
export { type DebugFunction, type Frame, framesAt, functionAt, functionsNamed } from './functions.ts';
export * from './inlined.ts';
export type { LineFile, LineHeader } from './line-header.ts';
export type { LineRows, LineSequence, LineTable, SourcePlace } from './line-table.ts';
export type { NamedKind } from './name-index.ts';
export type { CodeRange } from './ranges.ts';
export * from './source.ts';
export { type StaticLocal, staticLocals } from './statics.ts';
export * from './types.ts';
export type { Entry, Unit } from './unit.ts';
export type { UnitHeader } from './unit-header.ts';

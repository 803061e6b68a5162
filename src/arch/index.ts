/** Architectures behind one record of hooks, their page-table formats, relocation rows and instruction encodings. */
export type * from './alternatives.ts';
export * from './architecture.ts';
export { ARM32 } from './arm32/index.ts';
export { ARM64 } from './arm64/index.ts';
export type * from './bug-frames.ts';
export type * from './calling-convention.ts';
export type * from './code-forms.ts';
export type * from './code-memory.ts';
export type * from './cpu.ts';
export type { Disassembler } from './disassembler.ts';
export type * from './execution.ts';
export type * from './image-rules.ts';
export * from './instruction.ts';
export * from './linker-symbol-names.ts';
export type * from './object-forms.ts';
export * from './page-table.ts';
export type * from './panic-words.ts';
export * from './permissions.ts';
export type * from './processor-rules.ts';
export { ARCHITECTURES, architectureOf } from './registry.ts';
export * from './relative-memory.ts';
export type * from './relocation.ts';
export {
  checkedRange,
  implicitAddend,
  inRange,
  type PlacedValue,
  type RelocatedPlace,
  relocateInstruction,
} from './relocation-value.ts';
export { structPayloadOf } from './struct-payload.ts';
export { applyAltCalls } from './x86_64/alt-calls.ts';
export { applyAlternatives } from './x86_64/alternatives.ts';
export { X86_64 } from './x86_64/index.ts';
export { addNops, NOP_MAX, type NopFamily } from './x86_64/nops.ts';
export * from './x86_64/processor.ts';
export * from './x86_64/processors.ts';

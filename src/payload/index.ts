/** The contents of a live patch file before it has an address, and where loading would place them. Imports `xen`, `elf`. */
export * from './alternatives.ts';
export * from './bug-frames.ts';
export * from './entry-table.ts';
export * from './file.ts';
export * from './functions.ts';
export * from './hooks.ts';
export * from './identity.ts';
export * from './machines.ts';
export * from './page-kinds.ts';
export * from './payload-input.ts';
export * from './pointer.ts';
export * from './sections.ts';
export * from './symbol-locator.ts';

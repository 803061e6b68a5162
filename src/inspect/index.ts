/** The contents of a payload as a document; code and source line around a place. */
export * from './finding-code.ts';
export * from './finding-source.ts';
export * from './inspect.ts';

/** What is in a payload file, as a document; and the code and the line of source around a place in it. */
export * from './finding-code.ts';
export * from './finding-source.ts';
export * from './inspect.ts';

/** Calls into the machine's native libraries, through koffi. */
export * from './koffi.ts';

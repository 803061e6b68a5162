/** Calls into native libraries of the machine, through koffi. */
export * from './koffi.ts';

/** Proves that a host with a payload applied is the patched hypervisor. Shares nothing with `diff`. Start at `prove.ts`. */
export * from './prove.ts';

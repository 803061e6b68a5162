/** Capstone behind the `Disassembler` port of arch/. Runs in Node and in a browser. Imports `arch`, `xen`, `base`. */
export { type CapstoneOptions, loadCapstone } from './capstone.ts';

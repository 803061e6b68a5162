/** The livepatch subsystem on a simulated machine. Start at `boot.ts`, `upload.ts`, `actions.ts`, `rendezvous.ts`. */
export * from './boot.ts';
export { type CacheMaintenance, takeCacheMaintenance } from './cache-maintenance.ts';
export * from './data-watch.ts';
export * from './describe.ts';
export { functionsOf, type LoadedFunc } from './expectations.ts';
export * from './front-door.ts';
export * from './function-state.ts';
export * from './guest-memory.ts';
export * from './hypervisor.ts';
export * from './image.ts';
export * from './image-symbols.ts';
export * from './keyhandler.ts';
export * from './payload.ts';
export * from './rendezvous.ts';
export * from './simulated-target.ts';
export * from './stop.ts';
export * from './sysctl.ts';
export * from './vmap.ts';

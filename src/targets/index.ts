/** Targets on a real hypervisor. Effects: processes, files, sockets. */
export { ARENA_OUTPUTS, ARENA_SIZE, GuestArena } from './qemu/guest-arena.ts';
export type { QemuOptions, QemuProgress } from './qemu/options.ts';
export { prepareQemu, type QemuHosts, startQemu } from './qemu/start.ts';
export { type QemuHost, QemuTarget } from './qemu/target.ts';

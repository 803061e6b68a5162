/** Targets on a real hypervisor. Effects: processes, files, sockets, calls into libraries. */
export { HostTarget } from './host/host-target.ts';
export type { Library } from './host/libraries.ts';
export { SINCE as LIBRARY_SINCE } from './host/library-calls.ts';
export { adviceFor, type HostOptions, installedLibraries, openHost, withHost } from './host/open.ts';
export { type DebianXen, debianXen, findDebianXen } from './qemu/debian.ts';
export { ARENA_OUTPUTS, ARENA_SIZE, GuestArena } from './qemu/guest-arena.ts';
export type { QemuOptions, QemuProgress } from './qemu/options.ts';
export { prepareQemu, type QemuHosts, startQemu } from './qemu/start.ts';
export { type QemuHost, QemuTarget } from './qemu/target.ts';
export { SOURCE_ARCHITECTURES, type SourceArch, type SourceXen, sourceXen } from './qemu/xen-source.ts';

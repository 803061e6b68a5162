/** Targets on a real hypervisor. Effects: processes, files, sockets, calls into libraries. */
export { HostTarget } from './host/host-target.ts';
export { adviceFor, type HostOptions, installedLibraries, openHost, withHost } from './host/open.ts';
export { debianXen, findDebianXen } from './qemu/debian.ts';
export { GuestArena } from './qemu/guest-arena.ts';
export type { QemuOptions, QemuProgress } from './qemu/options.ts';
export { prepareQemu, type QemuHosts, startQemu } from './qemu/start.ts';
export { QemuTarget } from './qemu/target.ts';
export { SOURCE_ARCHITECTURES, type SourceArch, sourceXen } from './qemu/xen-source.ts';

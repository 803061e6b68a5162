import type { Environment } from '../../system/index.ts';
import type { XenArch } from '../../xen/index.ts';

/** What is being done while a host starts. */
export interface QemuProgress {
  readonly phase: 'download' | 'unpack' | 'build' | 'boot' | 'save' | 'restore';
  /** For one line of a terminal, without the phase: a package and how much of it is there, the console's last line. */
  readonly text: string;
}

export interface QemuOptions {
  /** The architecture of the host; `x86_64` by default. */
  readonly arch?: XenArch;
  /** QEMU's `-cpu`; by default that of the architecture's {@link Platform}. */
  readonly cpu?: string;
  /** Processors; 1 by default, which is also the fastest. */
  readonly smp?: number;
  /** MiB; 512 by default. */
  readonly memory?: number;
  /** The level below which Xen's console drops lines, as on its command line; `all` by default. */
  readonly loglvl?: string;
  /** Most milliseconds until the host is ready, downloads not counted; 180 000 by default. */
  readonly timeout?: number;
  /** Most milliseconds that one call may take; a host that says nothing for so long counts as down. 30 000 by default. */
  readonly callTimeout?: number;
  /** A hypervisor of the user's own: the bootable `xen` or `xen.gz`. Debian's by default, on Arm built from its source. */
  readonly xenImage?: string;
  /** `xen-syms` of that hypervisor: has to be of the same build. */
  readonly xenSyms?: string;
  readonly progress?: (progress: QemuProgress) => void;
  /** Ends everything: what is being waited for rejects, and nothing is left behind. */
  readonly signal?: AbortSignal;
  /** Where PATH, TMPDIR and the cache's folder are looked up; this process's by default. */
  readonly env?: Environment;
}

export const DEFAULT_TIMEOUT_MS = 180_000;
export const DEFAULT_CALL_TIMEOUT_MS = 30_000;

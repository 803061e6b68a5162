import type { Environment } from '../../system/index.ts';
import type { XenArch } from '../../xen/index.ts';

/** Progress of a host that starts. */
export interface QemuProgress {
  readonly phase: 'download' | 'unpack' | 'build' | 'boot' | 'save' | 'restore';
  /** One terminal line without the phase: a package with the amount downloaded, or the console's last line. */
  readonly text: string;
}

export interface QemuOptions {
  /** The architecture of the host; `x86_64` by default. */
  readonly arch?: XenArch;
  /** QEMU's `-cpu`; by default that of the architecture's {@link Platform}. */
  readonly cpu?: string;
  /** Processors; 1 by default, the fastest. */
  readonly smp?: number;
  /** MiB; 512 by default. */
  readonly memory?: number;
  /** The level below which Xen's console drops lines, as on its command line; `all` by default. */
  readonly loglvl?: string;
  /** Maximum milliseconds until the host is ready, without downloads; 180 000 by default. */
  readonly timeout?: number;
  /** Maximum milliseconds per call; a host silent for longer counts as down. 30 000 by default. */
  readonly callTimeout?: number;
  /** The user's own hypervisor: a bootable `xen` or `xen.gz`. Default: Debian's; on Arm, one built from its source. */
  readonly xenImage?: string;
  /** `xen-syms` of that hypervisor; must be of the same build. */
  readonly xenSyms?: string;
  readonly progress?: (progress: QemuProgress) => void;
  /** Stops everything: pending promises reject, and nothing is left behind. */
  readonly signal?: AbortSignal;
  /** Environment for PATH, TMPDIR and the cache's folder; this process's by default. */
  readonly env?: Environment;
}

export const DEFAULT_TIMEOUT_MS = 180_000;
export const DEFAULT_CALL_TIMEOUT_MS = 30_000;

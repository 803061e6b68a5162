import type { Processor } from '../arch/index.ts';
import type { Release } from '../xen/index.ts';

/** Boot-time settings of the simulated host. */
export interface HostOptions {
  readonly release: Release;
  readonly processor: Processor;
  /** CONFIG_DEBUG: dprintk lines are printed. */
  readonly debugBuild: boolean;
  /** Domains with an active vm_event waitqueue: apply is refused while there is one. */
  readonly domainsWithWaitqueue: readonly number[];
  /** Whether cache maintenance of an unmapped address faults. Processors fault; QEMU has no caches and ignores the address. Default: true. */
  readonly cacheFaults?: boolean;
  /** Why there is no processor to run code on, if the caller knows. */
  readonly noCpu?: NoCpu;
}

/** Why no code can be run here, and how to fix it. */
export interface NoCpu {
  readonly message: string;
  readonly hint: string | undefined;
}

/** Returns why this host runs no code. */
export const missingCpu = ({ noCpu }: HostOptions): NoCpu =>
  noCpu ?? { message: 'no emulator was given', hint: undefined };

import type { NoCpu } from '../hypervisor/index.ts';
import type { OpenCpu } from '../machine/index.ts';
import type { Gunzip } from '../xen/index.ts';
import type { PlannedCall } from './planned-call.ts';

/** What the user may set of the simulated host. What is absent comes from the image, or is the default named here. */
export interface SimulationOptions {
  /** A release of the release table, or one of its point releases: `4.18.1`. Default: what the image says. */
  readonly release?: string;
  /** Name of a processor preset. */
  readonly cpu?: string;
  /** How many CPUs are online. */
  readonly cpus?: number;
  /** CPU number → nanoseconds by which it is late at the rendezvous. */
  readonly late?: Readonly<Record<number, number>>;
  /** CPUs that never come to the rendezvous. */
  readonly stuck?: readonly number[];
  /** Xen's own syntax: `all`, `info`, `warning`, `error`, `none`, or `lower/upper`. Default `all`. */
  readonly loglvl?: string;
  /** A debug build of Xen. Default: what the image's configuration says. */
  readonly debug?: boolean;
  /** Nanoseconds given with every action, 0 for Xen's own default (30 ms). Default 0. */
  readonly timeout?: number;
  /** Give every action the NODEPS flag. */
  readonly nodeps?: boolean;
  /** Take each payload after the first with REPLACE in place of APPLY. */
  readonly replace?: boolean;
  /** Functions to call before the payloads are applied, while they are, and once they are reverted. */
  readonly calls?: readonly PlannedCall[];
  /** Unpacks the configuration in the image; without it, it counts as absent. A port: this room has no decompression. */
  readonly gunzip?: Gunzip;
  /** Gives a processor for hooks and calls. Without it no code is run. A port: `xsplice/emulator` has one. */
  readonly openCpu?: OpenCpu;
  /** Why there is no `openCpu`: told to whoever needs it. */
  readonly noCpu?: NoCpu;
  /** Told what is being done, for a progress line. Never called after the result is there. */
  readonly progress?: (doing: string) => void;
}

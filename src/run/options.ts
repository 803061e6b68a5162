import type { NoCpu } from '../hypervisor/index.ts';
import type { OpenCpu } from '../machine/index.ts';
import type { Gunzip } from '../xen/index.ts';
import type { PlannedCall } from './planned-call.ts';

/** Settings of the simulated host. The image decides what is absent, unless a default is named here. */
export interface SimulationOptions {
  /** Release whose rules to follow, as in `4.18.1`. Default: the image's own. */
  readonly release?: string;
  /** Name of a processor preset. */
  readonly cpu?: string;
  /** Number of online CPUs. Default 1. */
  readonly cpus?: number;
  /** CPU number → nanoseconds by which the CPU is late at the rendezvous. */
  readonly late?: Readonly<Record<number, number>>;
  /** CPUs that never come to the rendezvous. */
  readonly stuck?: readonly number[];
  /** Xen's own syntax: `all`, `info`, `warning`, `error`, `none`, or `lower/upper`. Default `all`. */
  readonly loglvl?: string;
  /** Behave as a debug build of Xen. Default: the image's configuration. */
  readonly debug?: boolean;
  /** Timeout of every action in nanoseconds. Default 0, which stands for Xen's own 30 ms. */
  readonly timeout?: number;
  /** Pass NODEPS with every action. */
  readonly nodeps?: boolean;
  /** Apply the second and later payloads with REPLACE. */
  readonly replace?: boolean;
  /** Functions to call before the payloads are applied, while they are applied, and after they are reverted. */
  readonly calls?: readonly PlannedCall[];
  /** Decompresses the configuration in the image, which counts as absent without it. */
  readonly gunzip?: Gunzip;
  /** Opens a processor that runs hooks and calls. Without it no code is run. */
  readonly openCpu?: OpenCpu;
  /** Why there is no `openCpu`, for messages. */
  readonly noCpu?: NoCpu;
  /** Called with each step, for a progress line; never after the result is returned. */
  readonly progress?: (doing: string) => void;
}

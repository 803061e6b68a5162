import type { Architecture, Cpu, CpuTrace } from '../arch/index.ts';
import type { Address } from '../base/index.ts';
import type { AddressSpace } from './address-space.ts';

/** What a processor is made for. */
export interface CpuRequest {
  readonly arch: Architecture['name'];
  /** Its memory, in place: what either side writes, the other one reads. */
  readonly space: AddressSpace;
  /** Every run stops in front of these addresses. */
  readonly stopAt: readonly Address[];
  /** Told of each instruction. It slows the processor down by far. */
  readonly trace?: CpuTrace;
}

/** Gives a processor that runs machine code. Throws an XspliceError (ETOOL) for an architecture that it cannot run. */
export type OpenCpu = (request: CpuRequest) => Cpu;

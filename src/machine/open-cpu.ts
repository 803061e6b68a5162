import type { Architecture, Cpu, CpuTrace } from '../arch/index.ts';
import type { Address } from '../base/index.ts';
import type { AddressSpace } from './address-space.ts';

/** Requirements for a processor. */
export interface CpuRequest {
  readonly arch: Architecture['name'];
  /** Its memory, in place: both sides see each other's writes. */
  readonly space: AddressSpace;
  /** Every run stops before these addresses. */
  readonly stopAt: readonly Address[];
  /** Called for each instruction; much slower. */
  readonly trace?: CpuTrace;
}

/** Opens a processor that runs machine code. Throws an XspliceError (ETOOL) for an unsupported architecture. */
export type OpenCpu = (request: CpuRequest) => Cpu;

import type { Address } from '../base/index.ts';

/** The registers at a trap, by name, and where it happened. */
export interface TrappedState {
  readonly registers: ReadonlyMap<string, bigint>;
  /** The vCPU that is `current`, as the console names it; `undefined` for an idle vCPU. */
  readonly vcpu: string | undefined;
  readonly cpu: number;
  /** Of a page fault. */
  readonly faultAddress?: Address;
  /** The processor's syndrome register, on architectures that have one. */
  readonly syndrome?: number;
}

import type { Address } from '../base/index.ts';

/** Why the processor refused an access. */
export type Fault =
  | { readonly kind: 'page-fault'; readonly address: Address; readonly errorCode: number }
  /** The address is not canonical; the processor itself reports no address. */
  | { readonly kind: 'general-protection'; readonly address: Address };

/**
 * Thrown by the accessors of {@link AddressSpace}, and caught where the simulated hypervisor would enter its trap handler. Not an `Error`: it
 * is the machine's control flow, not a bug, and needs no stack trace.
 */
export class MemoryFault {
  readonly fault: Fault;

  constructor(fault: Fault) {
    this.fault = fault;
  }
}

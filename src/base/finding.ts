import type { Address } from './address.ts';

/**
 * Where in a file, or in the loaded hypervisor, a finding points. All members are optional: what is known is
 * given, and printed in this order.
 */
export interface Place {
  readonly file?: string;
  readonly section?: string;
  /** Bytes from the start of the section, or of the file where no section is given. */
  readonly offset?: number;
  /** Bytes that are meant, from `offset` or `address` on; without it, of code, the instruction there. */
  readonly length?: number;
  readonly symbol?: string;
  readonly address?: Address;
}

export type Severity = 'error' | 'warning' | 'note';

/**
 * Something that is wrong with what the user gave us, or that the user should know about it.
 *
 * `rule` is stable across releases of xsplice: tools filter on it.
 */
export interface Finding {
  readonly rule: string;
  readonly severity: Severity;
  readonly message: string;
  readonly where: Place;
}

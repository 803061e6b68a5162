import { CATALOGUE, type RuleId, type Severity } from '../catalogue/index.ts';
import type { Address } from './address.ts';

/** The place in a file or in the loaded hypervisor that a finding points to. All members are optional, and printed in this order. */
export interface Place {
  readonly file?: string;
  readonly section?: string;
  /** Bytes from the start of the section, or of the file if no section is given. */
  readonly offset?: number;
  /** Length in bytes from `offset` or `address`; if absent in code, the instruction there. */
  readonly length?: number;
  readonly symbol?: string;
  readonly address?: Address;
}

export type { Severity };

/** A problem in the user's input, or something that the user should know about it. */
export interface Finding {
  readonly rule: RuleId;
  readonly severity: Severity;
  readonly message: string;
  readonly where: Place;
  /** A more specific next step than the catalogue's. */
  readonly advice?: string;
}

/** A finding as a check makes it, before the catalogue adds its part. */
export type Found = Omit<Finding, 'rule' | 'severity'> & Partial<Pick<Finding, 'severity'>>;

/** Makes a finding, with the catalogue's severity unless it has its own. */
export const finding = (rule: RuleId, found: Found): Finding => ({
  rule,
  severity: CATALOGUE[rule].severity,
  ...found,
});

/**
 * Returns the next step for a finding: its own advice, or the catalogue's.
 *
 * @public
 */
export const adviceFor = ({ rule, advice }: Pick<Finding, 'rule' | 'advice'>): string =>
  advice ?? CATALOGUE[rule].advice;

import { CATALOGUE, type RuleId, type Severity } from '../catalogue/index.ts';
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

export type { Severity };

/** Something that is wrong with what the user gave us, or that the user should know about it. */
export interface Finding {
  readonly rule: RuleId;
  readonly severity: Severity;
  readonly message: string;
  readonly where: Place;
  /** The next step, where it can be named more precisely than in the catalogue. */
  readonly advice?: string;
}

/** What a check says of something that it found: a finding without what the catalogue adds. */
export type Found = Omit<Finding, 'rule' | 'severity'> & Partial<Pick<Finding, 'severity'>>;

/** Makes a finding. It has the catalogue's severity unless it brings its own. */
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

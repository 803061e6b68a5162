import type { RuleId } from '../catalogue/index.ts';
import type { HostPlace } from './host.ts';
import type { Atom } from './program.ts';

/** Why two things are not the same. */
export interface Reason {
  readonly rule: RuleId;
  readonly message: string;
}

/** A part of an object that the host must have the same of at `base`. `atom` is what reports name. */
export interface Pair {
  readonly atom: Atom;
  readonly start: number;
  readonly end: number;
  readonly base: HostPlace;
}

/** The code or data that has a reference, and where the host has it. */
export interface From {
  readonly atom: Atom;
  readonly base: HostPlace;
}

/** How a reference is used: a branch, a field of a table, or anything that makes an address of it. */
export type Use = 'branch' | 'address' | 'table';

/** Formats an offset or a size. */
export const hexText = (value: number): string => `0x${value.toString(16)}`;

/** What is said of a patch against a real hypervisor. */
import type { SourceArch } from '../../support/source-xen.ts';
import type { Effect, Says } from '../support/source-host.ts';

/** Architectures whose live patches are built in the tests. */
export type PatchArch = Exclude<SourceArch, 'arm32'>;

/** Why nothing can be built. */
export interface ExpectedRefusal {
  /** The variable or structure that it is about. */
  readonly symbol: string;
  /** What the reason has to say. */
  readonly words: RegExp;
}

/** A patch, and what is to become of it. */
export interface SourcePatch {
  /** Below this folder. */
  readonly file: string;
  readonly arch: readonly PatchArch[];
  /** What is special about it. */
  readonly kind: string;
  readonly expect: 'built' | 'unchanged' | 'refused';
  /** Functions that are replaced. */
  readonly changed: readonly string[];
  /** The same, on an architecture whose compiler lets it change more. */
  readonly alsoChanged?: Partial<Record<PatchArch, readonly string[]>>;
  /** Functions that were not there. */
  readonly added?: readonly string[];
  /** Functions that differ in line numbers alone where these are not held still. */
  readonly lineOnly?: readonly string[];
  readonly refusal?: ExpectedRefusal;
  /** What a remark has to say. */
  readonly remark?: RegExp;
  /** What dom0 can see of it. */
  readonly effect?: Effect;
  readonly says?: Says;
}

/** Code that all architectures have. */
export const BOTH: readonly PatchArch[] = ['x86_64', 'arm64'];

import type { DiffDocument, DiffVerdict } from '../diff/index.ts';

/** What became of a base; `error` where the environment failed it. */
export type BuildVerdict = DiffVerdict | 'error';

/** A hypervisor that a live patch was built for, and what became of it. */
export interface BuiltBase extends Omit<DiffDocument, 'format' | 'verdict'> {
  /** What the user calls it: the name in the manifest, or the folder. */
  readonly name: string;
  /** The source tree, as the user named it. */
  readonly source: string;
  readonly verdict: BuildVerdict;
  /** `null` where it was not known yet when it ended. */
  readonly xen: { readonly version: string; readonly buildId: string | null } | null;
  /** Objects of the hypervisor that depend on what the patches change. */
  readonly compiled: number;
  /** How many of these were taken from the cache. */
  readonly cached: number;
  /** The folder with what was compiled, where it was to be kept. */
  readonly kept: string | null;
  /** What the environment did; `null` unless the verdict is `error`. */
  readonly error: { readonly code: string; readonly message: string; readonly hint: string | null } | null;
}

/** What `xsplice build --json` prints. */
export interface BuildDocument {
  readonly format: 'xsplice-build/1';
  /** The worst of the bases': error, refused, built, unchanged. */
  readonly verdict: BuildVerdict;
  /** Of the payload. */
  readonly name: string;
  readonly patches: readonly { readonly title: string; readonly file: string }[];
  readonly bases: readonly BuiltBase[];
}

import type { Finding } from '../base/index.ts';
import type { StaticChoice } from '../diff/index.ts';
import type { DiffVerdict, FunctionReport, VerifiedOn } from '../documents/index.ts';
import type { Ports } from '../run/index.ts';
import type { Environment } from '../system/index.ts';
import type { LinkerChoice } from './linkers.ts';
import type { VerifyOptions } from './verify.ts';

/** Contents of a patch file. */
export interface PatchFile {
  /** As the user named it. */
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** A hypervisor to build for. Paths are absolute. */
export interface Base {
  /** A source tree of Xen, or a folder with one, its `xen-syms` and its configuration. */
  readonly source: string;
  /** The running `xen-syms`; default: the one in the folder or the tree. */
  readonly xen?: string;
  /** The `.config`; default: the tree's, or the one in the folder. */
  readonly config?: string;
  /** Patches that the running hypervisor has, but the tree does not. */
  readonly pristine?: readonly PatchFile[];
  /** Build-ids; default: that of `xen-syms`. */
  readonly depends?: Uint8Array;
  readonly xenDepends?: Uint8Array;
  /** Release whose rules apply; default: that of `xen-syms`. */
  readonly release?: string;
}

/** What to build. */
export interface BuildRequest extends LinkerChoice {
  readonly patches: readonly PatchFile[];
  /** Name of the payload in the hypervisor. */
  readonly name: string;
  /** Structures whose layout change the user accepts. */
  readonly allowedLayouts?: readonly string[];
  /** The user's mapping of static variables. */
  readonly statics?: readonly StaticChoice[];
  /** Make the payload with debug information too? */
  readonly debugData?: boolean;
  /** Keep the intermediate results in a new folder? */
  readonly keep?: boolean;
}

/** Tools of a build: the machine, and services of other rooms. */
export interface BuildTools extends Pick<VerifyOptions, 'levels'> {
  readonly ports: Ports;
  readonly env: Environment;
  /** Maximum parallel compilers. */
  readonly jobs: number;
  /** Name and version of the tool: `xsplice 0.1.0`. */
  readonly tool: string;
  readonly signal?: AbortSignal | undefined;
  /** Receives progress messages. */
  readonly progress?: ((doing: string) => void) | undefined;
}

/** Result for a base. */
export interface BuildResult {
  readonly verdict: DiffVerdict;
  /** `null` if refused before the hypervisor was known. */
  readonly xen: { readonly version: string; readonly buildId: string | null } | null;
  /** Objects that depend on the patches, and how many of them the cache had. */
  readonly compiled: number;
  readonly cached: number;
  /** The same as counted by the diff. */
  readonly objects: { readonly compared: number; readonly identical: number };
  readonly functions: readonly FunctionReport[];
  readonly refusals: readonly Finding[];
  readonly remarks: readonly Finding[];
  readonly verified: VerifiedOn | null;
  /** The payload, even if refused after linking; `null` if none was linked. */
  readonly bytes: Uint8Array | null;
  readonly debug: Uint8Array | null;
  /** The folder with intermediate results, now the caller's. */
  readonly kept: string | null;
}

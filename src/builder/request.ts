import type { Finding } from '../base/index.ts';
import type { StaticChoice } from '../diff/index.ts';
import type { DiffVerdict, FunctionReport, VerifiedOn } from '../documents/index.ts';
import type { Ports } from '../run/index.ts';
import type { Environment } from '../system/index.ts';
import type { LinkerChoice } from './linkers.ts';
import type { VerifyOptions } from './verify.ts';

/** A file with patches, as it was read. */
export interface PatchFile {
  /** As the user named it. */
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** A hypervisor to build for. Paths are those of the file system, absolute. */
export interface Base {
  /** A source tree of Xen, or a folder that has one with its `xen-syms` and configuration. */
  readonly source: string;
  /** The `xen-syms` that runs; default: what lies in the folder, or in the tree. */
  readonly xen?: string;
  /** The `.config`; default: the tree's own, or what lies in the folder. */
  readonly config?: string;
  /** Patches that the running hypervisor has, and the tree not. */
  readonly pristine?: readonly PatchFile[];
  /** Build-ids; that of `xen-syms` where they are not given. */
  readonly depends?: Uint8Array;
  readonly xenDepends?: Uint8Array;
  /** Follow the rules of this release; default: what `xen-syms` says. */
  readonly release?: string;
}

/** What to build. */
export interface BuildRequest extends LinkerChoice {
  readonly patches: readonly PatchFile[];
  /** Of the payload in the hypervisor. */
  readonly name: string;
  /** Structures whose changed layout the user answers for. */
  readonly allowedLayouts?: readonly string[];
  /** Which static variable is which, where the user has said it. */
  readonly statics?: readonly StaticChoice[];
  /** Is the payload with its debug information wanted, too? */
  readonly debugData?: boolean;
  /** Keep what was compiled, in a new folder. */
  readonly keep?: boolean;
}

/** What a build works with: the machine, and what other rooms lend. */
export interface BuildTools extends Pick<VerifyOptions, 'levels'> {
  readonly ports: Ports;
  readonly env: Environment;
  /** Compilers that run at once. */
  readonly jobs: number;
  /** Who makes it: `xsplice 0.1.0`. */
  readonly tool: string;
  readonly signal?: AbortSignal | undefined;
  /** Is told what is being done. */
  readonly progress?: ((doing: string) => void) | undefined;
}

/** What became of a base. */
export interface BuildResult {
  readonly verdict: DiffVerdict;
  /** `null` where it was refused before the hypervisor was known. */
  readonly xen: { readonly version: string; readonly buildId: string | null } | null;
  /** Objects that depend on what the patches change, and how many of these were found in the cache. */
  readonly compiled: number;
  readonly cached: number;
  /** The same, as a diff counts them. */
  readonly objects: { readonly compared: number; readonly identical: number };
  readonly functions: readonly FunctionReport[];
  readonly refusals: readonly Finding[];
  readonly remarks: readonly Finding[];
  readonly verified: VerifiedOn | null;
  /** The payload; `null` where none was linked. One that was refused afterwards is here, too. */
  readonly bytes: Uint8Array | null;
  readonly debug: Uint8Array | null;
  /** The folder with what was compiled, which is then the caller's. */
  readonly kept: string | null;
}

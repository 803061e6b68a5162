/*
 * What is recorded on the real hypervisor. Data only: record.ts runs it, the simulator's tests replay it.
 *
 * A malformed payload is a good one with one changed field, so that the answer can only come from that field.
 * Functions that get broken on purpose replace xen_changeset: nothing but an explicit version call runs it,
 * while xen_extra_version is called by the crash printer itself (a crash in it never stops printing).
 */
import type { Edit, PayloadSpec } from '../payloads.ts';

/** A raw livepatch sysctl; what is left out is well-formed. */
export interface RawOp {
  /** 0 upload, 1 get, 2 list, 3 action. */
  sub: number;
  opPad?: number;
  interfaceVersion?: number;
  /** Contents of the name buffer (latin1), size field (default: length + 1 for the NUL), pads, pointer instead of the buffer's. */
  name?: string;
  nameSize?: number;
  namePad?: [number, number, number];
  namePointer?: string;
  payload?: string;
  uploadSize?: number;
  payloadPointer?: string;
  action?: number;
  timeout?: number;
  flags?: number;
  actionPad?: number;
  list?: ListArgs;
}
export interface ListArgs {
  idx: number;
  nr: number;
  pad?: number;
  /** Hex pointers instead of the buffers'. */
  pointers?: { status?: string; name?: string; len?: string; metadata?: string; metadataLen?: string };
}

export type Step =
  | { upload: string; as?: string }
  | { apply: string; flags?: number; timeout?: number }
  | { revert: string }
  | { replace: string; flags?: number }
  | { unload: string }
  | { get: string }
  | { list: ListArgs }
  | { dump: string } // console keys
  | { extra: true } // /sys/hypervisor/version/extra
  | { version: number } // xen_version hypercall: 1 extra version, 4 changeset; runs the function of that name
  | { raw: RawOp };

export interface Case {
  name: string;
  payloads?: { [key: string]: PayloadSpec };
  steps: Step[];
  /** Other than the default machine. */
  cpu?: string;
  smp?: number;
  /** The panic screen is also kept as a file of this name. */
  panic?: string;
  /** Don't press x after every step (where that would itself be the crash). */
  noDump?: boolean;
  /** Hypervisor symbols whose live bytes are read after every step, besides those of the dump's functions. */
  watch?: string[];
}

export const cases: Case[] = [];
export const add = (
  name: string,
  payloads: { [key: string]: PayloadSpec },
  steps: Step[],
  more: Partial<Case> = {},
): void => {
  if (cases.some((c) => c.name === name)) throw new Error(`two cases named ${name}`);
  cases.push({ name, payloads, steps, ...more });
};
/** A payload that is only uploaded; the normal outcome is a refusal. */
export const upload = (name: string, spec: PayloadSpec, more: Partial<Case> = {}): void =>
  add(name, { p: spec }, [{ upload: 'p' }], more);
export const edited = (name: string, edits: Edit[], base: PayloadSpec = {}, more: Partial<Case> = {}): void =>
  upload(name, { ...base, edits: [...(base.edits ?? []), ...edits] }, more);
export const cycle = (p = 'p'): Step[] => [{ upload: p }, { apply: p }, { revert: p }, { unload: p }];

export const XC = 'xen_changeset';
export const ENDBR = 'common/livepatch.c#livepatch_printall';
/** A function of some hundred bytes that nothing runs here (there are no HVM guests). */
export const BIG = 'hvm_hap_nested_page_fault';
export const EXTRA_VERSION = 1;
export const CHANGESET = 4;

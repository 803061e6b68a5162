import type { Architecture } from '../arch/index.ts';
import type { PayloadSpec } from '../synth/index.ts';

/** Hex digits of the addresses that a raw call passes in place of its own buffers. */
export interface RawPointers {
  readonly name?: string;
  readonly payload?: string;
  /** The arrays of LIST. */
  readonly status?: string;
  readonly names?: string;
  readonly len?: string;
  readonly metadata?: string;
  readonly metadataLen?: string;
}

/** A livepatch sysctl that no toolstack would send. Fields that are left out are well-formed. */
export interface RawCall {
  readonly op: 'upload' | 'get' | 'list' | 'action' | { readonly number: number };
  /** Default: the release's own. */
  readonly interfaceVersion?: number;
  /** The word behind the operation's number: `pad`, and flags of an upload since 4.19. */
  readonly word?: number;
  readonly name?: string;
  /** Default: the name and its NUL. */
  readonly nameSize?: number;
  readonly namePad?: readonly [number, number, number];
  /** Key of the payload. */
  readonly payload?: string;
  /** Default: the payload's size. */
  readonly size?: number;
  /** LIVEPATCH_ACTION_*. */
  readonly action?: number;
  /** Nanoseconds. */
  readonly timeout?: number;
  readonly flags?: number;
  readonly pad?: number;
  readonly pointers?: RawPointers;
  readonly idx?: number;
  readonly nr?: number;
}

export type ConformStep =
  /** Uploads the payload of that key, under its key as a name unless another is given. */
  | { readonly upload: string; readonly as?: string }
  | { readonly apply: string; readonly flags?: number; readonly timeout?: number }
  | { readonly revert: string }
  | { readonly replace: string; readonly flags?: number }
  | { readonly unload: string }
  | { readonly get: string }
  | { readonly list: { readonly idx: number; readonly nr: number } }
  /** The console key `x`. */
  | { readonly dump: true }
  /** Calls xen_extra_version, and compares the text that it returns. */
  | { readonly extra: true }
  /** Calls xen_changeset, and compares the text that it returns. */
  | { readonly changeset: true }
  | { readonly raw: RawCall };

/** Steps on a host that was just booted; what is observed of it is compared after each. */
export interface ConformCase {
  readonly name: string;
  /** Built in this order. */
  readonly payloads?: Readonly<Record<string, PayloadSpec>>;
  readonly steps: readonly ConformStep[];
  /** Skips the key `x` after each step, for cases that patch the key's own handler. */
  readonly noDump?: boolean;
  /** The host dies in the last step, and the panic depends on memory that no simulator can know. Only the death itself is compared, on all
   * architectures or on these. */
  readonly deathVaries?: boolean | readonly Architecture['name'][];
  /** Architectures whose code or symbols the case uses; all by default. */
  readonly only?: readonly Architecture['name'][];
  /** Symbols whose live bytes are compared, besides the functions that the key `x` names. */
  readonly watch?: readonly string[];
}

/** Restricts cases to x86-64, whose machine code or symbols they use. */
export const onX86 = (cases: readonly ConformCase[]): ConformCase[] =>
  cases.map((each) => ({ ...each, only: ['x86_64'] }));

/** Tells whether the case runs on that architecture. */
export const runsOn = ({ only }: ConformCase, arch: Architecture['name']): boolean =>
  only === undefined || only.includes(arch);

/** Returns a step in words: `apply p`. */
export function stepText(step: ConformStep): string {
  if ('upload' in step) return step.as === undefined ? `upload ${step.upload}` : `upload ${step.upload} as ${step.as}`;
  if ('list' in step) return `list ${step.list.nr} from ${step.list.idx}`;
  if ('dump' in step) return 'dump';
  if ('extra' in step) return 'read the extra version';
  if ('changeset' in step) return 'read the changeset';
  if ('raw' in step) return `raw ${typeof step.raw.op === 'string' ? step.raw.op : `operation ${step.raw.op.number}`}`;
  const { flags } = step as { flags?: number };
  const [verb, name] = Object.entries(step)[0] as [string, string];
  return `${verb} ${name}${flags === undefined ? '' : ` with flags 0x${flags.toString(16)}`}`;
}

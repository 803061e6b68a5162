import type { Architecture } from '../arch/index.ts';
import type { PayloadSpec } from '../synth/index.ts';

/** A livepatch sysctl that no toolstack would send. What is left out is well-formed. */
export interface RawCall {
  readonly op: 'upload' | 'get' | 'list' | 'action' | { readonly number: number };
  /** Default: what the release has. */
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
  readonly flags?: number;
  readonly pad?: number;
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
  /** What xen_extra_version returns: `/sys/hypervisor/version/extra` of dom0. */
  | { readonly extra: true }
  | { readonly raw: RawCall };

/** What is done to a fresh hypervisor, and compared after every step. */
export interface ConformCase {
  readonly name: string;
  /** Built in this order. */
  readonly payloads?: Readonly<Record<string, PayloadSpec>>;
  readonly steps: readonly ConformStep[];
  /** Do not press `x` after each step: where the key's own handler is patched, code of the payload would print. */
  readonly noDump?: boolean;
  /** The host dies in the last step, and how depends on what lies behind a buffer that is overrun, or on what the machine has mapped: only that it dies is
   * compared, on all architectures or on these. */
  readonly wildDeath?: boolean | readonly Architecture['name'][];
  /** Architectures that the case has code or symbols of; all of them by default. */
  readonly only?: readonly Architecture['name'][];
  /** Symbols whose live bytes are compared, besides those of the functions that the key `x` names. */
  readonly watch?: readonly string[];
}

/** The cases with machine code, or symbols, of x86-64. */
export const onX86 = (cases: readonly ConformCase[]): ConformCase[] =>
  cases.map((each) => ({ ...each, only: ['x86_64'] }));

/** Can the case be run on that architecture? */
export const runsOn = ({ only }: ConformCase, arch: Architecture['name']): boolean =>
  only === undefined || only.includes(arch);

/** `apply p`: a step in words. */
export function stepText(step: ConformStep): string {
  if ('upload' in step) return step.as === undefined ? `upload ${step.upload}` : `upload ${step.upload} as ${step.as}`;
  if ('list' in step) return `list ${step.list.nr} from ${step.list.idx}`;
  if ('dump' in step) return 'dump';
  if ('extra' in step) return 'read the extra version';
  if ('raw' in step) return `raw ${typeof step.raw.op === 'string' ? step.raw.op : `operation ${step.raw.op.number}`}`;
  const { flags } = step as { flags?: number };
  const [verb, name] = Object.entries(step)[0] as [string, string];
  return `${verb} ${name}${flags === undefined ? '' : ` with flags 0x${flags.toString(16)}`}`;
}

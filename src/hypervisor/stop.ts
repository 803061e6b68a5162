import type { DoubleFault } from '../arch/index.ts';
import type { Fault } from '../machine/index.ts';
import type { AddressRange } from '../xen/index.ts';
import type { NoCpu } from './host-options.ts';

/**
 * Ends the hypervisor for good. Thrown as control flow inside the simulator wherever the host would die, and caught in `front-door.ts`. Not an
 * `Error`, because nothing is wrong with the simulator.
 */
export class HostStop {
  readonly cause: StopCause;

  constructor(cause: StopCause) {
    this.cause = cause;
  }
}

export type StopCause =
  /** A memory access that the page tables forbid. */
  | { readonly kind: 'fault'; readonly fault: Fault }
  /** BUG() or BUG_ON() in the hypervisor. `file` and `line` as on the console. */
  | { readonly kind: 'bug'; readonly file: string; readonly line: number | undefined; readonly why: string }
  /** ASSERT() of a debug build. */
  | { readonly kind: 'assertion'; readonly condition: string; readonly file: string; readonly line: number | undefined }
  /** panic(). `text` is its formatted argument, with its newline if it has one. */
  | { readonly kind: 'panic'; readonly text: string }
  /** An exception with an error code and without a page-table walk. `text` is what the panic calls it. */
  | { readonly kind: 'trap'; readonly text: string; readonly why: string }
  /** An exception whose handler prints its name and stops. `head` is what it prints above the registers. */
  | { readonly kind: 'fatal'; readonly head: readonly string[]; readonly text: string; readonly why: string }
  /** An exception whose frame does not fit on the stack. `stack` is the usable part. */
  | {
      readonly kind: 'double-fault';
      readonly with: DoubleFault;
      readonly stack: AddressRange;
      readonly why: string;
    }
  /** Code never returns; the host prints nothing more. */
  | { readonly kind: 'hang'; readonly why: string }
  /** The hypervisor's own data is corrupted; what a real host does next depends on the overwritten data. */
  | { readonly kind: 'corruption'; readonly why: string }
  /** Triple fault: the machine resets silently. */
  | { readonly kind: 'reset'; readonly why: string }
  /** The host would have to run a payload's code, and there is no processor. */
  | { readonly kind: 'hook'; readonly hook: HookCall };

/** A call of a hook that the simulator cannot make. */
export interface HookCall {
  readonly payload: string;
  /** As in the section's name: `load`, `preapply`, … */
  readonly kind: string;
  readonly address: bigint;
  readonly symbol: string | null;
  /** Why it cannot. */
  readonly missing: NoCpu;
}

import type { DoubleFault } from '../arch/index.ts';
import type { Fault } from '../machine/index.ts';
import type { AddressRange } from '../xen/index.ts';
import type { NoCpu } from './host-options.ts';

/**
 * Ways in which the hypervisor stops for good. Thrown as control flow inside the simulator, from wherever the host would have died,
 * and caught at the front door (`sysctl.ts`). Not an `Error`: nothing is wrong with us.
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
  /** panic(). `text` is all that it was given, its newline included where there is one. */
  | { readonly kind: 'panic'; readonly text: string }
  /** An exception with an error code and no page-table walk to show. `text` is what the panic calls it. */
  | { readonly kind: 'trap'; readonly text: string; readonly why: string }
  /** An exception whose handler says what it was, and stops. `head` is what it prints above the registers. */
  | { readonly kind: 'fatal'; readonly head: readonly string[]; readonly text: string; readonly why: string }
  /** The stack cannot take what an exception pushes. `stack` is what it may use. */
  | {
      readonly kind: 'double-fault';
      readonly with: DoubleFault;
      readonly stack: AddressRange;
      readonly why: string;
    }
  /** Code never comes back: the host says nothing more. */
  | { readonly kind: 'hang'; readonly why: string }
  /** The hypervisor's own data is destroyed: what a real host does then depends on what lies where. */
  | { readonly kind: 'corruption'; readonly why: string }
  /** Triple fault: the machine resets without a word. */
  | { readonly kind: 'reset'; readonly why: string }
  /** Code of a payload would have to be run now. */
  | { readonly kind: 'hook'; readonly hook: HookCall };

/** A call into a payload's code that the simulator does not make. */
export interface HookCall {
  readonly payload: string;
  /** As in the section's name: `load`, `preapply`, … */
  readonly kind: string;
  readonly address: bigint;
  readonly symbol: string | null;
  /** Why it is not made. */
  readonly missing: NoCpu;
}

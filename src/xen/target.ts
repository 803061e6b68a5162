/**
 * The one interface of everything that takes a live patch: the simulated hypervisor, a real one in QEMU, the host.
 * It is Xen's own sysctl, with its states, errno values and flags.
 *
 * Names are byte strings (one character per byte) without the NUL.
 */

/** Which action: LIVEPATCH_ACTION_UNLOAD and so on, see `LIVEPATCH_ACTIONS`. */
export type ActionName = 'unload' | 'revert' | 'apply' | 'replace';

/** A sub-operation's result: 0, a negated errno (`errnoName`), or a positive count. */
export interface OpResult {
  readonly rc: number;
}

export interface GetResult extends OpResult {
  /** LIVEPATCH_STATE_CHECKED or LIVEPATCH_STATE_APPLIED; `null` where the call failed. */
  readonly state: number | null;
  /** Outcome of the last action: 0 or a negated errno, -EAGAIN while one is under way; `null` where the call failed. */
  readonly statusRc: number | null;
}

export interface ListRequest {
  /** Payloads to skip, in upload order. */
  readonly idx: number;
  /** Payloads to return; 0 asks for the sizes only. */
  readonly nr: number;
  /** Size of the caller's buffer for names, in bytes. Heeded since 4.21; "large enough" where not given. */
  readonly nameTotalSize?: number;
  /** Size of the caller's buffer for metadata, in bytes. Heeded since 4.21; "large enough" where not given. */
  readonly metadataTotalSize?: number;
}

export interface ListEntry {
  readonly name: string;
  readonly state: number;
  readonly rc: number;
  /** The payload's `.modinfo`; empty where it has none and in releases up to 4.13. */
  readonly metadata: Uint8Array;
}

/** `rc` is the number of entries, or a negated errno; the OUT members are filled in then, too (copy-back). */
export interface ListResult extends OpResult {
  /** Changes with every upload and unload. */
  readonly version: number;
  /** Payloads that were not visited. */
  readonly nr: number;
  readonly nameTotalSize: number;
  readonly metadataTotalSize: number;
  readonly entries: readonly ListEntry[];
}

export interface ActionOptions {
  /** Nanoseconds; 0, the default, stands for `LIVEPATCH_DEFAULT_TIMEOUT_NS`. */
  readonly timeout?: number;
  /** LIVEPATCH_ACTION_APPLY_NODEPS; since 4.14. */
  readonly flags?: number;
}

/** The host is dead: nothing of a target works any more after this. */
export interface HostPanic {
  /** The text between the rows of asterisks, without the lines that `errorCode` and `address` come from. */
  readonly message: string;
  /** Of the page fault, where it is one. */
  readonly errorCode: number | null;
  /** The faulting linear address, where there is one. */
  readonly address: bigint | null;
  /** Everything that was printed, line by line, without `(XEN) `. */
  readonly screen: readonly string[];
}

export interface LivepatchTarget {
  /** `flags` goes into the operation's word: LIVEPATCH_FLAG_FORCE since 4.19, must be 0 before. */
  upload(name: string, payload: Uint8Array, flags?: number): Promise<OpResult>;
  get(name: string): Promise<GetResult>;
  /** A real host may list fewer than it could: see `listUninterrupted`. */
  list(request: ListRequest): Promise<ListResult>;
  /** The result is that of scheduling the action; what became of it is in `get`. */
  action(name: string, action: ActionName, options?: ActionOptions): Promise<OpResult>;
  /** Console lines since the last call, without `(XEN) `. */
  takeConsole(): Promise<readonly string[]>;
  /** The panic that ended this host, or `null` while it lives. */
  panic(): Promise<HostPanic | null>;
}

/** A target that can also be looked into, as a debugger would. Looking changes nothing. */
export interface ObservableTarget extends LivepatchTarget {
  /** Presses the console key `x`: what it prints comes with the next `takeConsole`. */
  dump(): Promise<void>;
  /** Bytes of the hypervisor's memory; `null` where they are not all mapped. */
  peek(address: bigint, length: number): Promise<Uint8Array | null>;
  /** Gives back what the target holds: processes, files, connections. */
  close(): Promise<void>;
}

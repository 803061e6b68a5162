/**
 * The interface of every livepatch target: the simulated hypervisor, a real one in QEMU, the running host. It is Xen's own sysctl,
 * with its states, errno values and flags.
 *
 * Names are byte strings (one character per byte) without the NUL.
 */

/** The action, LIVEPATCH_ACTION_UNLOAD and so on; see `LIVEPATCH_ACTIONS`. */
export type ActionName = 'unload' | 'revert' | 'apply' | 'replace';

/** The host died in the call. */
export interface NoAnswer {
  readonly kind: 'no-answer';
}

/** A hypercall that returned. `rc` is 0, a negated errno (`errnoName`), or a count. */
export interface Answer {
  readonly kind: 'answered';
  readonly rc: number;
}

export type OpResult = Answer | NoAnswer;

/** A payload's status, or the negated errno of GET. */
export type GetResult = PayloadFound | Refused | NoAnswer;

export interface PayloadFound {
  readonly kind: 'found';
  readonly rc: 0;
  /** LIVEPATCH_STATE_CHECKED or LIVEPATCH_STATE_APPLIED. */
  readonly state: number;
  /** Result of the last action: 0 or a negated errno; -EAGAIN while one is pending. */
  readonly statusRc: number;
}

export interface Refused {
  readonly kind: 'refused';
  /** A negated errno. */
  readonly rc: number;
}

export interface ListRequest {
  /** Payloads to skip, in upload order. */
  readonly idx: number;
  /** Payloads to return; 0 asks only for the sizes. */
  readonly nr: number;
  /** Size of the caller's buffer for names, in bytes; unlimited by default. Checked since 4.21. */
  readonly nameTotalSize?: number;
  /** Size of the caller's buffer for metadata, in bytes; unlimited by default. Checked since 4.21. */
  readonly metadataTotalSize?: number;
}

export interface ListEntry {
  readonly name: string;
  readonly state: number;
  readonly rc: number;
  /** The payload's `.modinfo`; empty if it has none, and up to 4.13. */
  readonly metadata: Uint8Array;
}

export type ListResult = ListAnswer | NoAnswer;

/** `rc` is the number of entries or a negated errno. The OUT members are always set (copy-back). */
export interface ListAnswer extends Answer {
  /** Changes with every upload and unload. */
  readonly version: number;
  /** Payloads not visited. */
  readonly nr: number;
  readonly nameTotalSize: number;
  readonly metadataTotalSize: number;
  readonly entries: readonly ListEntry[];
}

export interface ActionOptions {
  /** Nanoseconds; 0, the default, means `LIVEPATCH_DEFAULT_TIMEOUT_NS`. */
  readonly timeout?: number;
  /** LIVEPATCH_ACTION_APPLY_NODEPS; since 4.14. */
  readonly flags?: number;
}

/** The host is dead: every later call fails. */
export interface HostPanic {
  /** Text between the rows of asterisks, without the lines of `errorCode` and `address`. */
  readonly message: string;
  /** Error code of a page fault. */
  readonly errorCode: number | null;
  /** Faulting linear address, if any. */
  readonly address: bigint | null;
  /** Every printed line, without `(XEN) `. */
  readonly screen: readonly string[];
}

export interface LivepatchTarget {
  /** Uploads a payload. `flags` becomes the operation's word: LIVEPATCH_FLAG_FORCE since 4.19, must be 0 before. */
  upload(name: string, payload: Uint8Array, flags?: number): Promise<OpResult>;
  get(name: string): Promise<GetResult>;
  /** Lists payloads. A real host may return fewer than it has: see `listUninterrupted`. */
  list(request: ListRequest): Promise<ListResult>;
  /** Schedules an action, and returns the result of scheduling. `get` has the action's own result. */
  action(name: string, action: ActionName, options?: ActionOptions): Promise<OpResult>;
  /** Returns console lines since the last call, without `(XEN) `. */
  takeConsole(): Promise<readonly string[]>;
  /** Returns the panic that ended this host, or `null` while it runs. */
  panic(): Promise<HostPanic | null>;
}

/** A target that can also be inspected, as a debugger would, without changing it. */
export interface ObservableTarget extends LivepatchTarget {
  /** Presses the console key `x`; the next `takeConsole` returns what it prints. */
  dump(): Promise<void>;
  /** Returns bytes of hypervisor memory; `null` if not all are mapped. */
  peek(address: bigint, length: number): Promise<Uint8Array | null>;
  /**
   * Makes a livepatch sysctl from raw bytes that no toolstack would send. `encode` returns the `struct xen_sysctl`, 136 bytes.
   * Absent on a target that accepts only well-formed calls.
   */
  rawSysctl?(encode: (place: PlaceBytes) => Uint8Array): Promise<RawResult | NoAnswer>;
  /** Reads a version string as dom0 does: the host runs xen_extra_version or xen_changeset. `null` if it dies in the call. */
  versionString?(which: VersionString): Promise<string | null>;
  /** Releases the target's processes, files and connections. */
  close(): Promise<void>;
}

/** Places bytes in the caller's memory and returns their address. */
export type PlaceBytes = (bytes: Uint8Array) => bigint;

export interface RawResult extends Answer {
  /** The `struct xen_sysctl` after the call. */
  readonly sysctl: Uint8Array;
  /** Reads memory at an address that {@link PlaceBytes} returned. */
  readonly read: (address: bigint, length: number) => Uint8Array;
}

/** A text that a function of the hypervisor returns. Source: xen/include/public/version.h, XENVER_extraversion and XENVER_changeset. */
export type VersionString = 'extra' | 'changeset';

/** An argument of a call. Text and bytes are placed in memory, and their address is passed. */
export type CallArgument =
  | { readonly kind: 'int'; readonly value: bigint }
  /** One character per byte; a NUL is added. */
  | { readonly kind: 'string'; readonly text: string }
  /** Memory that the function may change. */
  | { readonly kind: 'buffer'; readonly bytes: Uint8Array };

/** A call of one function, as hypervisor code would make it. */
export interface FunctionCall {
  /** Name in the hypervisor's symbol table, `FILE#name` if static; or a symbol of a loaded payload. */
  readonly function: string;
  readonly args: readonly CallArgument[];
  /** The CPU that makes the call; 0 by default. */
  readonly cpu?: number;
}

/** How much of a function ran, in bytes of its instructions. */
export interface CallCoverage {
  /** The function's symbol, of a payload: `name [PAYLOAD]`. */
  readonly symbol: string;
  readonly size: number;
  readonly covered: number;
}

/** Result of a call. If the host dies in it, `panic` has the reason. */
export interface CallResult {
  /** The full result register, unsigned. `null` if the call never returned. */
  readonly result: bigint | null;
  /** Instructions executed; simulated functions count none. `null` if unknown. */
  readonly instructions: number | null;
  /** Symbols whose first instruction ran, each once, in that order. `null` if unknown. */
  readonly entered: readonly string[] | null;
  /** Coverage of the payload functions that were entered. */
  readonly coverage: readonly CallCoverage[];
  /** Final contents of each buffer, in the order of the arguments. */
  readonly buffers: readonly Uint8Array[];
}

/** A target that can call single functions. */
export interface CallableTarget extends ObservableTarget {
  /** Calls a function. Throws an XspliceError: EUSAGE for an unknown function or CPU, ETOOL if the means to run code are missing. */
  call(request: FunctionCall): Promise<CallResult>;
}

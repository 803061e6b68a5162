/**
 * The one interface of everything that takes a live patch: the simulated hypervisor, a real one in QEMU, the host.
 * It is Xen's own sysctl, with its states, errno values and flags.
 *
 * Names are byte strings (one character per byte) without the NUL.
 */

/** Which action: LIVEPATCH_ACTION_UNLOAD and so on, see `LIVEPATCH_ACTIONS`. */
export type ActionName = 'unload' | 'revert' | 'apply' | 'replace';

/** The host did not come back from the call. */
export interface NoAnswer {
  readonly kind: 'no-answer';
}

/** A hypercall that came back. `rc` is 0, a negated errno (`errnoName`), or a count. */
export interface Answer {
  readonly kind: 'answered';
  readonly rc: number;
}

export type OpResult = Answer | NoAnswer;

/** A payload's status, or the negated errno with which GET was refused. */
export type GetResult = PayloadFound | Refused | NoAnswer;

export interface PayloadFound {
  readonly kind: 'found';
  readonly rc: 0;
  /** LIVEPATCH_STATE_CHECKED or LIVEPATCH_STATE_APPLIED. */
  readonly state: number;
  /** Result of the last action: 0 or a negated errno, -EAGAIN while one is under way. */
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

export type ListResult = ListAnswer | NoAnswer;

/** `rc` is the number of entries or a negated errno. The OUT members are filled in either way (copy-back). */
export interface ListAnswer extends Answer {
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
  /**
   * Makes a livepatch sysctl as bytes, which no toolstack would send. `encode` returns the `struct xen_sysctl`, 136 bytes. Absent on a target that
   * takes well-formed calls alone.
   */
  rawSysctl?(encode: (place: PlaceBytes) => Uint8Array): Promise<RawResult | NoAnswer>;
  /** Reads one of the version strings, as dom0 does: the host runs xen_extra_version or xen_changeset. `null` where it dies of that. */
  versionString?(which: VersionString): Promise<string | null>;
  /** Gives back what the target holds: processes, files, connections. */
  close(): Promise<void>;
}

/** Places bytes in the caller's memory, and returns their address. */
export type PlaceBytes = (bytes: Uint8Array) => bigint;

export interface RawResult extends Answer {
  /** `struct xen_sysctl` afterwards. */
  readonly sysctl: Uint8Array;
  /** Reads what is at an address that {@link PlaceBytes} returned. */
  readonly read: (address: bigint, length: number) => Uint8Array;
}

/** A text that a function of the hypervisor returns. Source: xen/include/public/version.h, XENVER_extraversion and XENVER_changeset. */
export type VersionString = 'extra' | 'changeset';

/** What a function is called with. Text and bytes go into memory of their own, and their address is the argument. */
export type CallArgument =
  | { readonly kind: 'int'; readonly value: bigint }
  /** One character per byte; a NUL is added. */
  | { readonly kind: 'string'; readonly text: string }
  /** Memory that the function may change. */
  | { readonly kind: 'buffer'; readonly bytes: Uint8Array };

/** A call of one function, as code of the hypervisor would make it. */
export interface FunctionCall {
  /** As the hypervisor's symbol table has it, static ones as `FILE#name`; or a symbol of a loaded payload. */
  readonly function: string;
  readonly args: readonly CallArgument[];
  /** The CPU that makes the call; 0 by default. */
  readonly cpu?: number;
}

/** How much of a function was carried out, in bytes of its instructions. */
export interface CallCoverage {
  /** The function's symbol, of a payload: `name [PAYLOAD]`. */
  readonly symbol: string;
  readonly size: number;
  readonly covered: number;
}

/** What came of a call. A host that dies of it shows in `panic`. */
export interface CallResult {
  /** The result register, all of it, unsigned. `null` where the call never came back. */
  readonly result: bigint | null;
  /** Instructions carried out, by code that runs on our side none; `null` where nobody can tell. */
  readonly instructions: number | null;
  /** Symbols whose first instruction was carried out, each once, in that order. `null` where nobody can tell. */
  readonly entered: readonly string[] | null;
  /** Of the payloads' functions that were entered. */
  readonly coverage: readonly CallCoverage[];
  /** What is in each buffer afterwards, in the order of the arguments. */
  readonly buffers: readonly Uint8Array[];
}

/** A target on which functions can be called one by one. */
export interface CallableTarget extends ObservableTarget {
  /** Throws an XspliceError: EUSAGE for a function or a CPU that is none, ETOOL where the means to run code are missing. */
  call(request: FunctionCall): Promise<CallResult>;
}

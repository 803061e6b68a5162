/**
 * The documents that `rehearse`, `check` and `inspect` give: what `--json` prints, member by member, and what the text
 * renderers read. They are published as JSON Schema in docs/; `report/schemas.ts` holds the zod schemas, and a test
 * proves that they describe these types.
 *
 * In all of them addresses are hex strings (`0xffff82d0405b0000`), errno are Xen's names or null, sizes and offsets are
 * numbers, machine bytes are contiguous hex digits. Text that comes from a payload, an image or the console is a byte
 * string here (one character per byte); the JSON printer and the renderers make valid text of it.
 */
import type { Severity } from '../base/index.ts';
import type { Errno, XenArch } from '../xen/index.ts';
import type { ReportedCall } from './call.ts';
import type { CodeLine, SourceLine } from './code.ts';
import type { HexAddress, HexBytes } from './hex-text.ts';

/** {@link Place} of base/ with the address as text. */
export interface DocumentPlace {
  readonly file?: string;
  readonly section?: string;
  readonly offset?: number;
  readonly length?: number;
  readonly symbol?: string;
  readonly address?: HexAddress;
}

/** {@link Finding} of base/ with the address as text; {@link documentFinding} makes it. */
export interface DocumentFinding {
  readonly rule: string;
  readonly severity: Severity;
  readonly message: string;
  readonly where: DocumentPlace;
  /** The line of source that the place was compiled from; absent where that is not known. */
  readonly source?: SourceLine;
  /** The instructions around the place; absent where it is none of code. */
  readonly code?: readonly CodeLine[];
}

/** The hypervisor that a document is about. */
export interface XenIdentity {
  /** The row of the release table in force: `4.17.7`. */
  readonly release: string;
  /** The image's build-id in hex, or null where it has none. */
  readonly buildId: HexBytes | null;
  readonly arch: XenArch;
}

// ---- xsplice-rehearsal/2

/**
 * `passed`: every step went as expected. `refused`: the hypervisor said no to an upload or an action. `failed`: a step
 * did not do what it should, or could not be carried out here (a hook). `panicked`: the host is down.
 */
export type RehearsalVerdict = 'passed' | 'refused' | 'failed' | 'panicked';

/**
 * `verify` reads the functions' bytes back and compares, `call` calls a function; the others are sub-operations and actions of the
 * sysctl.
 */
export type RehearsalStepKind = 'upload' | 'apply' | 'verify' | 'revert' | 'replace' | 'unload' | 'call';

/** State of a payload as XEN_SYSCTL_LIVEPATCH_GET gives it. Source: public/sysctl.h, LIVEPATCH_STATE_*. */
export type PayloadState = 'CHECKED' | 'APPLIED';

/**
 * What became of a step. `answered`: a hypercall about a payload came back. `verified`, `differs`: the live code is as it should be, or not. `died`:
 * the host panicked. `stopped-at-hook`: the simulation ended in front of payload code that cannot be run here. `no-answer`: the host did not come
 * back, and shows no panic.
 */
export type StepOutcomeKind =
  | 'answered'
  | 'listed'
  | 'dumped'
  | 'called'
  | 'verified'
  | 'differs'
  | 'died'
  | 'stopped-at-hook'
  | 'no-answer';

/** What steps of all documents have in common. */
export interface StepDocument {
  readonly outcome: StepOutcomeKind;
  /** Result of the operation: 0, a count or a negated errno. Null where the outcome is neither `answered` nor `listed`. */
  readonly rc: number | null;
  /** Name of `-rc`; null for 0 and where `rc` has no name. */
  readonly errno: Errno | null;
  /** Lines that Xen printed during the step, without `(XEN) `. A panic's screen is in `panic`, not here. */
  readonly console: readonly string[];
}

/** Where a payload was placed: first address of each of its three page kinds, and their pages together. */
export interface PayloadPlacement {
  readonly text: HexAddress;
  readonly rw: HexAddress;
  readonly ro: HexAddress;
  readonly pages: number;
}

export interface RehearsalStep extends StepDocument {
  readonly step: RehearsalStepKind;
  /** The payload's name; of a `call` the function and its arguments. */
  readonly name: string;
  /** Did the step do what it should? */
  readonly passed: boolean;
  /** The payload's state after the step; null where it is not loaded, for a `call`, and where the host is gone. */
  readonly state: PayloadState | null;
  /** Where the payload is; null where it is not loaded. */
  readonly payload: PayloadPlacement | null;
  /**
   * What the hypervisor does to caches for the sake of patched code, where the processor leaves that to software and it can be seen: on a simulated
   * Arm host. Present only where there is any.
   */
  readonly cacheMaintenance?: readonly CacheRange[];
  /**
   * Our own words on a step that is not what it would be on a host, or that went wrong without the hypervisor's saying so.
   * Present only then: in front of a hook call (`hook-not-run`), after a `verify` that found other bytes.
   */
  readonly note?: string;
}

/** One piece of cache maintenance. Address and length, in bytes, are absent where all of a cache is meant. */
export interface CacheRange {
  readonly kind: 'clean-invalidate-dcache' | 'invalidate-icache';
  readonly address?: HexAddress;
  readonly length?: number;
}

/** One patched function, as it was when the last step that touched it was done. */
export interface RehearsalFunction {
  readonly name: string;
  readonly oldAddr: HexAddress;
  readonly oldSize: number;
  /** 0x0 for a function that is overwritten with NOPs. */
  readonly newAddr: HexAddress;
  readonly newSize: number;
  /** Bytes from `oldAddr` to where the jump goes: 4 behind an ENDBR64, otherwise 0. */
  readonly patchOffset: number;
  /** The bytes at `oldAddr + patchOffset` before apply, as many as apply replaces. */
  readonly before: HexBytes;
  /** The bytes there after apply; equal to `before` where apply never got so far. */
  readonly after: HexBytes;
}

export interface RehearsalPanic {
  /** What stands under `Panic on CPU n:`, its first line: `FATAL PAGE FAULT`. */
  readonly message: string;
  /** The page fault's error code, or null for other panics. */
  readonly errorCode: number | null;
  /** The faulting linear address, or null for other panics. */
  readonly address: HexAddress | null;
  /** The whole panic screen, line by line, without `(XEN) `. */
  readonly screen: readonly string[];
}

export interface RehearsalReport {
  readonly format: 'xsplice-rehearsal/2';
  readonly xen: XenIdentity;
  readonly verdict: RehearsalVerdict;
  readonly steps: readonly RehearsalStep[];
  readonly functions: readonly RehearsalFunction[];
  /** The calls that were asked for, in the order in which they were made. */
  readonly calls: readonly ReportedCall[];
  readonly panic: RehearsalPanic | null;
  readonly findings: readonly DocumentFinding[];
}

// ---- xsplice-check/1

/** `unsafe`: Xen would take it, or would crash on it, and the host would not be well afterwards, as far as the simulator or lint can see. */
export type CheckVerdict = 'accepted' | 'refused' | 'unsafe';

export interface CheckedPayload {
  /** The file as the user named it. */
  readonly file: string;
  readonly verdict: CheckVerdict;
  /** The errno of the refusal; null where there is none. */
  readonly errno: Errno | null;
  /** What Xen would print, without `(XEN) `; where the host would panic, the panic's screen follows. */
  readonly console: readonly string[];
  readonly findings: readonly DocumentFinding[];
}

export interface CheckReport {
  readonly format: 'xsplice-check/1';
  readonly payloads: readonly CheckedPayload[];
}

// ---- xsplice-inspect/1

/** What `PF_*` of a section's pages come to: executable, writable, read-only. Source: xen/common/livepatch.c, move_payload. */
export type PageKind = 'text' | 'rw' | 'ro';

export interface InspectedExpectation {
  /** Bytes compared: `data` has as many. */
  readonly length: number;
  readonly data: HexBytes;
  readonly enabled: boolean;
}

/** One instruction of the payload, or one piece of code that is none. */
export interface InspectedInstruction {
  /** Bytes from the start of its section. */
  readonly offset: number;
  /** As they are in the file, before relocation. */
  readonly bytes: HexBytes;
  /**
   * Mnemonic and operands, in AT&T syntax on x86, with the symbols that relocations name in place of the operands that they
   * fill: `callq printk`. Targets of other relative jumps are offsets in the section. `(bad)` for bytes that are no
   * instruction.
   */
  readonly text: string;
  /** Where each relocation of the instruction leads, in the order of the bytes; absent where there is none. */
  readonly targets?: readonly DocumentPlace[];
}

/** One entry of `.livepatch.funcs`, before relocation and symbol look-up. */
export interface InspectedFunction {
  readonly name: string;
  /** `nop`: no replacement, the old function's first `newSize` bytes become NOPs. */
  readonly kind: 'replace' | 'nop';
  /** What the entry itself gives as the old function; null where Xen looks `name` up. */
  readonly oldCode: DocumentPlace | null;
  readonly oldSize: number;
  /** Where the replacement is, as far as the file tells: null for `nop`. */
  readonly newCode: DocumentPlace | null;
  readonly newSize: number;
  /** The entry's structure version. */
  readonly version: number;
  /** Null where the layout of this version has none, or where it is all zero. */
  readonly expectation: InspectedExpectation | null;
  /** The replacement's instructions; null where they were not asked for, and where the payload has no code for it. */
  readonly code: readonly InspectedInstruction[] | null;
}

export interface InspectedHook {
  /** The section's name without `.livepatch.hooks.`: `load`, `preapply`, … */
  readonly kind: string;
  readonly section: string;
  /** The function that is called, as far as the file tells. */
  readonly target: DocumentPlace;
  /** The function's instructions; null as for {@link InspectedFunction}. */
  readonly code: readonly InspectedInstruction[] | null;
}

export interface InspectedSection {
  readonly index: number;
  readonly name: string;
  /** `PROGBITS`, `NOBITS`, `RELA`, …; `0x…` for types without a name. */
  readonly type: string;
  /** Letters as `readelf -S` prints them: `AX`, `WA`. */
  readonly flags: string;
  readonly size: number;
  readonly alignment: number;
  /** The kind of pages it is loaded into; null where it is not loaded. */
  readonly page: PageKind | null;
  /** Bytes from the start of that page kind's region; null where it is not loaded. */
  readonly offset: number | null;
}

export interface InspectedRelocations {
  /** The section that the relocations change. */
  readonly section: string;
  /** `R_X86_64_PLT32`; the number for types without a name. */
  readonly type: string;
  readonly count: number;
  /** Is the section loaded? If not, Xen skips its relocations. */
  readonly applied: boolean;
  /** Does Xen's loader for this architecture know the type? Null where xsplice has no table for the architecture. */
  readonly handled: boolean | null;
}

/** A table that the loader works through: alternatives, alternative calls, bug frames, exception tables. */
export interface InspectedTable {
  readonly kind: 'alternatives' | 'alternative calls' | 'bug frames' | 'exception table';
  readonly section: string;
  readonly entries: number;
  readonly entrySize: number;
}

export interface InspectedPayload {
  /** The file as the user named it. */
  readonly file: string;
  /** The name that `xen-livepatch load` would give it. */
  readonly name: string;
  /** Bytes in the file. */
  readonly size: number;
  /** Null where the machine type is none that Xen has livepatches for, or the file is no ELF file. */
  readonly arch: XenArch | null;
  readonly buildId: HexBytes | null;
  /** Build-id of the payload, or hypervisor, that has to be on top of the stack. */
  readonly depends: HexBytes | null;
  /** Build-id of the hypervisor. */
  readonly xenDepends: HexBytes | null;
  /** The entries of `.modinfo`: `author=me`. */
  readonly metadata: readonly string[];
  readonly functions: readonly InspectedFunction[];
  readonly hooks: readonly InspectedHook[];
  readonly sections: readonly InspectedSection[];
  /** Counts per changed section and type. */
  readonly relocations: readonly InspectedRelocations[];
  /** Names that the hypervisor, or an earlier payload, has to define. */
  readonly undefinedSymbols: readonly string[];
  readonly tables: readonly InspectedTable[];
  /** Pages of each kind that the payload would take. */
  readonly pages: { readonly text: number; readonly rw: number; readonly ro: number };
  /** Would Xen apply it again after a revert? False where the payload has data that may have changed. */
  readonly reappliable: boolean;
  readonly findings: readonly DocumentFinding[];
}

export interface InspectReport {
  readonly format: 'xsplice-inspect/1';
  readonly payloads: readonly InspectedPayload[];
}

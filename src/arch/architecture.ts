import type { Address, Finding } from '../base/index.ts';
import type { Ehdr, ElfLayout } from '../elf/index.ts';
import type { Errno, FormatArg, Release } from '../xen/index.ts';
import type { AlternativeHooks } from './alternatives.ts';
import type { BugFrameFormat } from './bug-frames.ts';
import type { CodeForms } from './code-forms.ts';
import type { CodeMemory } from './code-memory.ts';
import type { Execution } from './execution.ts';
import type { ImageRules } from './image-rules.ts';
import type { ObjectForms } from './object-forms.ts';
import type { PageTableFormat } from './page-table.ts';
import type { PanicWords } from './panic-words.ts';
import type { PatchingHost } from './permissions.ts';
import type { ProcessorRules } from './processor-rules.ts';
import type { RelocationRow, RelocationRules } from './relocation.ts';

/** A refusal by Xen: a finding with the errno that the call returns. */
export interface Refusal extends Partial<Pick<Finding, 'message' | 'where'>>, Pick<Finding, 'rule'> {
  readonly errno: Errno;
  /** The console line, if Xen prints one: template and arguments of `format`. It is also the message, unless `message` is set. */
  readonly log?: readonly [template: string, ...args: FormatArg[]];
}

/** The members of `struct livepatch_func` that patching reads. */
export interface PatchedFunction {
  readonly newAddr: Address;
  readonly oldAddr: Address;
  readonly newSize: number;
  readonly oldSize: number;
}

/** The hypervisor's state of one patched function: `struct livepatch_fstate`. */
export interface FunctionState {
  /** Bytes between the function's start and the patch: 4 behind an ENDBR64, else 0. */
  patchOffset: number;
  /** LIVEPATCH_FUNC_NOT_APPLIED or _APPLIED; a hook may write anything. */
  applied: number;
  /** Saves the instructions that the patch overwrites. */
  saveInsns(bytes: Uint8Array): void;
  savedInsns(length: number): Uint8Array;
}

/** What patching needs besides the function: the release's rules, the host's NOPs, and a way to report that the host died. */
export interface PatchContext {
  readonly memory: CodeMemory;
  readonly release: Release;
  /** Returns `length` bytes of the NOPs that this host's Xen uses. */
  nops(length: number): Uint8Array;
  /** Returns the writable alias of an address in the hypervisor's image, while the image is mapped a second time. */
  textAlias(address: Address): Address;
  /** clean_and_invalidate_dcache_va_range: faults on unmapped addresses. */
  cleanDataCache(address: Address, length: number): void;
  log(level: 'ERR', text: string): void;
  /** Runs `body` as the hypervisor function `name`, so that a panic screen shows it. */
  within<T>(name: string, body: () => T): T;
  /** Reports a failed ASSERT(): a debug build panics, a release build ignores it. */
  assertionFails(where: string, condition: string, file: string): void;
  /** Resets the host without any output (triple fault). Does not return. */
  reset(reason: string): never;
}

/**
 * One architecture: Xen's `arch_livepatch_*` hooks (xen/include/xen/livepatch.h, "Arch hooks") in camelCase without the
 * prefix, and tables, so that shared code never has to ask which architecture it is on.
 */
export interface Architecture {
  readonly name: 'x86_64' | 'arm64' | 'arm32';
  /** `e_machine` of its images and payloads. */
  readonly machine: number;
  readonly elf: ElfLayout;
  readonly pageTables: PageTableFormat;
  /** Returns the error code of an unaligned access; `null` if the processor allows them. */
  readonly alignmentFault: ((write: boolean) => number) | null;
  readonly image: ImageRules;
  readonly processors: ProcessorRules;
  readonly panic: PanicWords;
  readonly execution: Execution;
  /** ARCH_PATCH_INSN_SIZE: size of the jump, in bytes. */
  readonly patchInsnSize: number;
  /** ARCH_LIVEPATCH_RANGE: the greatest distance between old and new address, in bytes. */
  readonly range: bigint;

  verifyElf(header: Ehdr): Refusal | null;
  /** Whether Xen adds this symbol to a payload's symbol table; `null` if it adds every symbol. */
  readonly symbolOk: ((name: string) => boolean) | null;
  /** Whether Xen refuses a payload with this symbol; `null` if it allows every symbol. */
  readonly symbolDeny: ((name: string) => boolean) | null;
  readonly relocations: ReadonlyMap<number, RelocationRow>;
  readonly relocationRules: RelocationRules;
  verifyFunc(func: PatchedFunction, context: PatchContext): Refusal | null;
  apply(func: PatchedFunction, state: FunctionState, context: PatchContext): void;
  revert(func: PatchedFunction, state: FunctionState, context: PatchContext): void;
  /** Returns how many bytes `apply` writes for this function. */
  insnLength(func: PatchedFunction, patchOffset: number): number;
  /** Returns how many bytes at a function's start a release leaves unpatched. `start` has the first {@link entrySize} bytes. */
  patchOffset(start: Uint8Array, release: Release): number;
  /** Number of bytes at a function's start that {@link patchOffset} needs. */
  readonly entrySize: number;
  encodeJump(from: Address, to: Address): Uint8Array;
  /** Returns every sequence of NOPs of this length that Xen may write on some processor. */
  nopSequences(length: number): readonly Uint8Array[];
  /** Makes the hypervisor's code writable; an errno name refuses the action. */
  quiesce(host: PatchingHost, release: Release): Errno | null;
  revive(host: PatchingHost, release: Release): void;
  /** Whether read-only data of the hypervisor and of payloads is writable in place between quiesce and revive. */
  relaxesReadOnly(release: Release): boolean;
  /** Whether arch_livepatch_safety_check checks the vm_event waitqueues of domains. */
  readonly waitqueues: boolean;
  /** The source file of these hooks, as dprintk prints it. */
  readonly file: string;
  /**
   * Tells whether a PV guest may pass this address to the hypervisor, and map memory there; `null` without PV guests.
   * Source: asm-x86/x86_64/uaccess.h, __access_ok.
   */
  readonly pvGuestAddress: ((address: Address) => boolean) | null;
  /** Returns the start of VMAP_DEFAULT, the area of the host's other mappings. */
  vmapDefault(release: Release): Address;

  readonly alternatives: AlternativeHooks;
  readonly bugFrames: BugFrameFormat;
  /** Entry sizes, in bytes, of special sections that only some architectures have; 0 if Xen refuses the section. */
  readonly exTableEntrySize: number;
  readonly altCallSize: number;

  /** For rules about machine code; without it, they check no code. */
  readonly code?: CodeForms;

  /** For reading relocatable objects; without it, no payload can be made from objects. */
  readonly objects?: ObjectForms;
}

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

/** A refusal of Xen's: a finding with the errno that the call returns. */
export interface Refusal extends Partial<Pick<Finding, 'message' | 'where'>>, Pick<Finding, 'rule'> {
  readonly errno: Errno;
  /** The console line, if Xen prints one: template and arguments of `format`. It is the message unless there is another. */
  readonly log?: readonly [template: string, ...args: FormatArg[]];
}

/** The members of `struct livepatch_func` that patching looks at. */
export interface PatchedFunction {
  readonly newAddr: Address;
  readonly oldAddr: Address;
  readonly newSize: number;
  readonly oldSize: number;
}

/** What the hypervisor remembers about one function while it is patched: `struct livepatch_fstate`. */
export interface FunctionState {
  /** Bytes between the function's start and the patch: 4 behind an ENDBR64, else 0. */
  patchOffset: number;
  /** LIVEPATCH_FUNC_NOT_APPLIED or _APPLIED; a hook may write anything. */
  applied: number;
  /** Keeps the instructions that the patch overwrites. */
  saveInsns(bytes: Uint8Array): void;
  savedInsns(length: number): Uint8Array;
}

/** What patching depends on besides the function: the release's rules, the host's NOPs, and the way out when the machine dies. */
export interface PatchContext {
  readonly memory: CodeMemory;
  readonly release: Release;
  /** `length` bytes of the NOPs that this host's Xen uses. */
  nops(length: number): Uint8Array;
  /** Where the byte at an address of the hypervisor's image can be written, while the image is mapped a second time. */
  textAlias(address: Address): Address;
  /** clean_and_invalidate_dcache_va_range: faults where nothing is mapped. */
  cleanDataCache(address: Address, length: number): void;
  log(level: 'ERR', text: string): void;
  /** Carries out `body` as that function of the hypervisor: a panic screen names it. */
  within<T>(name: string, body: () => T): T;
  /** ASSERT() that does not hold: the end of a debug build, nothing in a release build. */
  assertionFails(where: string, condition: string, file: string): void;
  /** The host is gone without a word (triple fault). Does not return. */
  reset(reason: string): never;
}

/**
 * One architecture: the `arch_livepatch_*` hooks of Xen (xen/include/xen/livepatch.h, "Arch hooks") in camelCase without
 * the prefix, and the tables that shared code reads instead of asking which architecture it is on.
 */
export interface Architecture {
  readonly name: 'x86_64' | 'arm64' | 'arm32';
  /** `e_machine` of its images and payloads. */
  readonly machine: number;
  readonly elf: ElfLayout;
  readonly pageTables: PageTableFormat;
  /** The error code of a word that does not lie at a multiple of its size; `null` where the processor takes it wherever it lies. */
  readonly alignmentFault: ((write: boolean) => number) | null;
  /** What its images look like. */
  readonly image: ImageRules;
  readonly processors: ProcessorRules;
  readonly panic: PanicWords;
  /** What carrying out its code takes. */
  readonly execution: Execution;
  /** ARCH_PATCH_INSN_SIZE: bytes of the jump. */
  readonly patchInsnSize: number;
  /** ARCH_LIVEPATCH_RANGE: how far, in bytes, old and new address may lie apart. */
  readonly range: bigint;

  verifyElf(header: Ehdr): Refusal | null;
  /** Is this symbol entered in a payload's symbol table? `null`: every one is. */
  readonly symbolOk: ((name: string) => boolean) | null;
  /** Must a payload with this symbol be refused? `null`: none. */
  readonly symbolDeny: ((name: string) => boolean) | null;
  readonly relocations: ReadonlyMap<number, RelocationRow>;
  readonly relocationRules: RelocationRules;
  verifyFunc(func: PatchedFunction, context: PatchContext): Refusal | null;
  apply(func: PatchedFunction, state: FunctionState, context: PatchContext): void;
  revert(func: PatchedFunction, state: FunctionState, context: PatchContext): void;
  /** Bytes that `apply` writes for this function, given where it starts. */
  insnLength(func: PatchedFunction, patchOffset: number): number;
  /** Bytes of a function's start that stay as they are in a release: `start` is what stands there, as much of it as {@link entrySize}. */
  patchOffset(start: Uint8Array, release: Release): number;
  /** Bytes at a function's start that {@link patchOffset} looks at. */
  readonly entrySize: number;
  encodeJump(from: Address, to: Address): Uint8Array;
  /** Every sequence of NOPs of this length that Xen may write, by processor. */
  nopSequences(length: number): readonly Uint8Array[];
  /** Makes the hypervisor's code writable; an errno name refuses the action. */
  quiesce(host: PatchingHost, release: Release): Errno | null;
  revive(host: PatchingHost, release: Release): void;
  /** Can read-only data, the hypervisor's and that of payloads, be written where it is between quiesce and revive? */
  relaxesReadOnly(release: Release): boolean;
  /** Does arch_livepatch_safety_check look at domains' vm_event waitqueues? */
  readonly waitqueues: boolean;
  /** The source file of these hooks, as dprintk names it. */
  readonly file: string;
  /**
   * Tells whether a PV guest may pass this address to the hypervisor, and map memory there; `null` without PV guests.
   * Source: asm-x86/x86_64/uaccess.h, __access_ok.
   */
  readonly pvGuestAddress: ((address: Address) => boolean) | null;
  /** Start of VMAP_DEFAULT, from which the host's other mappings are taken. */
  vmapDefault(release: Release): Address;

  readonly alternatives: AlternativeHooks;
  readonly bugFrames: BugFrameFormat;
  /** Sizes, in bytes, of the entries of special sections that not every architecture has; 0 = refused. */
  readonly exTableEntrySize: number;
  readonly altCallSize: number;

  /** What checkers of machine code ask; without it they say nothing of code. */
  readonly code?: CodeForms;

  /** What readers of relocatable objects ask; without it, payloads cannot be made from objects. */
  readonly objects?: ObjectForms;
}

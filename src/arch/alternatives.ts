import type { Address } from '../base/index.ts';
import type { AlternativeRules, Errno } from '../xen/index.ts';
import type { RelativeMemory } from './relative-memory.ts';

/** The memory that alternatives are applied to, and what they need to know about the host. Each architecture uses part of it. */
export interface AlternativesHost {
  readonly memory: RelativeMemory;
  readonly rules: AlternativeRules;
  /** boot_cpu_has(), cpus_have_cap(). */
  hasFeature(feature: number): boolean;
  nops(length: number): Uint8Array;
  /** toolchain_nops_are_ideal: the assembler pads with the NOPs that this host would write. */
  readonly toolchainNopsIdeal: boolean;
  /** CONFIG_XEN_IBT. */
  readonly ibtBuild: boolean;
  /** __x86_return_thunk of a CONFIG_RETURN_THUNK build. */
  readonly returnThunk: Address | undefined;
  /** Reads the function pointer of an alternative call. */
  readPointer(address: Address): Address;
  read(address: Address, length: number): Uint8Array;
  /** Whether an indirect call whose pointer is still NULL stays as it is (early in boot) or becomes a trap. */
  readonly nullCalls: 'defer' | 'trap';
  log(level: 'ERR' | 'WARNING' | 'INFO', template: string, ...args: (number | bigint | string)[]): void;
  /** Formats an address as `%ps` does. */
  symbol(address: Address): string;
  /** Hits BUG() or BUG_ON() number `index` of the architecture's file, in function `within`. Does not return. */
  bug(index: 0 | 1 | 2, why: string, within?: string): never;
}

/** Adds what Arm needs: callback entries and retargeted branches. */
export interface WholeAlternativesHost extends AlternativesHost {
  /** is_active_kernel_text. */
  isActiveText(address: Address): boolean;
  /** Calls a callback entry's function at `address` for the instructions at `orig`. */
  callback(address: Address, orig: Address): void;
  /** Faults if the host cannot read or write an instruction at this alignment. */
  checkWord(address: Address, kind: 'read' | 'write'): void;
  /** clean_and_invalidate_dcache_va_range. */
  cleanDataCache(address: Address, length: number): void;
  invalidateInstructionCache(): void;
}

/** The numbers of one alternative. Lengths are in bytes. */
export interface AlternativeNumbers {
  /** As stored, including ALT_FLAG_NOT. */
  readonly feature: number;
  readonly origLen: number;
  readonly replLen: number;
  /** 0 where the format has none. */
  readonly padLen: number;
}

/** A fault in an alternative's numbers. */
export interface AlternativeFault {
  /** The start of a sentence. */
  readonly what: string;
  /**
   * The result: what the release does with a bad entry (`AlternativeRules.badEntry`), a panic in every release, or a call to the replacement as if it
   * were a function.
   */
  readonly outcome: 'bad-entry' | 'panic' | 'called';
}

/** A relative reference inside a replacement. */
export interface ReplacementReference {
  /** The replacement's bytes. */
  readonly code: Uint8Array;
  /** Offset and size of the field, in bytes. */
  readonly at: number;
  readonly width: number;
  /** The target symbol. */
  readonly symbol: string;
}

/** Code that an alternative replaces. `length` is in bytes. */
export interface ReplacedCode {
  readonly orig: Address;
  readonly length: number;
  readonly feature: number;
}

/** How an architecture applies alternatives. */
export interface AlternativeHooks {
  /** sizeof(struct alt_instr), in bytes. */
  readonly entrySize: number;
  /** Template printed at level INFO first; its arguments are the table's start and end. */
  readonly announcement: string;
  /** The source file that its BUG()s report. */
  readonly file: string;
  /** The function whose BUG()s count, as in the symbol table; `null` for all in the file. */
  readonly bugFunction: string | null;
  /** Functions in the panic's call trace, outermost first. */
  readonly frames: readonly [outer: string, inner: string];
  /** Applies the entries at offsets `[start, end)` of the host's memory. Returns the errno of the first bad entry, or `null`. */
  apply(host: WholeAlternativesHost, start: number, end: number): Errno | null;
  /** Returns the highest feature number in a table, or -1 for an empty one. */
  highestFeature(table: DataView): number;
  /** Returns the faults of an entry in the order of Xen's checks. `featureLimit` is the result of {@link featureLimit}. */
  faults(entry: AlternativeNumbers, rules: AlternativeRules, featureLimit: number): readonly AlternativeFault[];
  /** Tells whether Xen retargets a PC-relative reference when it copies the replacement. */
  retargets(reference: ReplacementReference, rules: AlternativeRules): boolean;
  /** What Xen retargets, as an object for messages: `only branches`. */
  readonly retargeted: string;
  /** Returns the code that a table's entries replace. `address` is the table's. */
  replaced(table: DataView, address: Address): Iterable<ReplacedCode>;
  /**
   * Callbacks of the hypervisor's own alternatives that write NOPs if the firmware reports no workarounds. Other callbacks change nothing.
   */
  readonly nopCallbacks: readonly string[];
  /** Returns the lowest invalid feature number. `highest` is the highest one that the image's own table uses. */
  featureLimit(rules: AlternativeRules, highest: number): number;
}

import type { Address } from '../base/index.ts';
import type { AlternativeRules, Errno } from '../xen/index.ts';
import type { RelativeMemory } from './relative-memory.ts';

/** What applying alternatives works on, and what it asks of the host. Each architecture uses its part of it. */
export interface AlternativesHost {
  readonly memory: RelativeMemory;
  readonly rules: AlternativeRules;
  /** boot_cpu_has(), cpus_have_cap(). */
  hasFeature(feature: number): boolean;
  nops(length: number): Uint8Array;
  /** The assembler's padding is already what this host would choose: toolchain_nops_are_ideal. */
  readonly toolchainNopsIdeal: boolean;
  /** CONFIG_XEN_IBT. */
  readonly ibtBuild: boolean;
  /** __x86_return_thunk of a CONFIG_RETURN_THUNK build. */
  readonly returnThunk: Address | undefined;
  /** Reads the pointer through which an alternative call goes. */
  readPointer(address: Address): Address;
  read(address: Address, length: number): Uint8Array;
  /** Indirect calls whose pointer is still NULL: left alone (at boot, before initialisation) or made to trap. */
  readonly nullCalls: 'defer' | 'trap';
  log(level: 'ERR' | 'WARNING' | 'INFO', template: string, ...args: (number | bigint | string)[]): void;
  /** `address` as `%ps` prints it. */
  symbol(address: Address): string;
  /** BUG() or BUG_ON() number `index` of the architecture's code, in that function of it. Does not return. */
  bug(index: 0 | 1 | 2, why: string, within?: string): never;
}

/** With what entries need that name a function, or whose branches are re-aimed, as on Arm. */
export interface WholeAlternativesHost extends AlternativesHost {
  /** is_active_kernel_text. */
  isActiveText(address: Address): boolean;
  /** Calls the function at `address`, which an entry names in place of a replacement, for the instructions at `orig`. */
  callback(address: Address, orig: Address): void;
  /** Reads or writes an instruction: may fault where it is not aligned. */
  checkWord(address: Address, kind: 'read' | 'write'): void;
  /** clean_and_invalidate_dcache_va_range of the patched instructions. */
  cleanDataCache(address: Address, length: number): void;
  invalidateInstructionCache(): void;
}

/** The numbers of an entry. Lengths are in bytes. */
export interface AlternativeNumbers {
  /** As in the table: with its flag, where the release has one. */
  readonly feature: number;
  readonly origLen: number;
  readonly replLen: number;
  /** 0 where the format has none. */
  readonly padLen: number;
}

/** What is wrong with the numbers of an entry. */
export interface AlternativeFault {
  /** The start of a sentence. */
  readonly what: string;
  /**
   * What comes of it: the release's answer to a bad entry (`AlternativeRules.badEntry`), a panic in all releases, or a call of what the entry names as
   * its replacement.
   */
  readonly outcome: 'bad-entry' | 'panic' | 'called';
}

/** A reference in a replacement. */
export interface ReplacementReference {
  /** The replacement's bytes. */
  readonly code: Uint8Array;
  /** Offset of the field in them, and its size. */
  readonly at: number;
  readonly width: number;
  /** The symbol that it leads to. */
  readonly symbol: string;
}

/** Code that the hypervisor replaces at boot, in bytes of its own table. */
export interface ReplacedCode {
  readonly orig: Address;
  readonly length: number;
  readonly feature: number;
}

/** How an architecture applies alternatives. */
export interface AlternativeHooks {
  /** sizeof(struct alt_instr), in bytes. */
  readonly entrySize: number;
  /** What is printed before, at level INFO; arguments are the table's start and end. */
  readonly announcement: string;
  /** The source file, as its BUG()s name it. */
  readonly file: string;
  /** The function in which the BUG()s are, by its name in the symbol table; `null`: every one of the file counts. */
  readonly bugFunction: string | null;
  /** Functions in the panic screen's trace, outermost first. */
  readonly frames: readonly [outer: string, inner: string];
  /** One pass over the entries in `[start, end)`, offsets in the host's memory; `null`, or the errno of the first bad entry. */
  apply(host: WholeAlternativesHost, start: number, end: number): Errno | null;
  /** The highest feature number in a table; -1 in an empty one. */
  highestFeature(table: DataView): number;
  /** Says what is wrong with an entry, in Xen's order of checks. `featureLimit`: as {@link featureLimit} gives it. */
  faults(entry: AlternativeNumbers, rules: AlternativeRules, featureLimit: number): readonly AlternativeFault[];
  /** Tells whether copying the replacement re-aims a relative reference in it. */
  reaims(reference: ReplacementReference, rules: AlternativeRules): boolean;
  /** What it re-aims, as the subject and verb of a sentence. */
  readonly reaimed: string;
  /** The code that the entries of a table replace; `address` is the table's. */
  replaced(table: DataView, address: Address): Iterable<ReplacedCode>;
  /**
   * Functions that boot's own entries name in place of a replacement, and that leave NOPs on a host whose firmware has nothing to say. What others would
   * write stays as in the file.
   */
  readonly nopCallbacks: readonly string[];
  /** The first number that is no feature, for an image whose own table reaches up to `highest`. */
  featureLimit(rules: AlternativeRules, highest: number): number;
}

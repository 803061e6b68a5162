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
  /** clean_and_invalidate_dcache_va_range of the patched instructions. */
  cleanDataCache(address: Address, length: number): void;
  invalidateInstructionCache(): void;
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
  /** The first number that is no feature, for an image whose own table reaches up to `highest`. */
  featureLimit(rules: AlternativeRules, highest: number): number;
}

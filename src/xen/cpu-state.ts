import type { Address } from '../base/index.ts';
import type { Release } from './release.ts';

/** The state of a CPU, and the means to print it. */
export interface ExecutionState {
  readonly release: Release;
  /** Version as in the banner, without `Xen-`: `4.17.7`. */
  readonly version: string;
  readonly build: BuildFacts;
  /** print_tainted(): `Not tainted`, or `Tainted: ` with its letters. */
  readonly tainted: string;
  /** The CPU's number. */
  readonly cpu: number;
  /** The running vcpu as `%pv` prints it, `d0v0`; `undefined` for the idle vcpu, which the screen omits. */
  readonly vcpu: string | undefined;
  /**
   * Returns a register by its name on the screen. x86-64: `rip`, `rflags`, `rax` … `r15`, `cr0`, `cr2`, `cr3`, `cr4`, the bases
   * `fsb`, `gsb` and `gss`, and the selectors `cs`, `ss`, `ds`, `es`, `fs` and `gs`. Arm: `pc`, `lr`, `sp`, `cpsr`, `fp`, `x0` …
   * `x28` or `r0` … `r10` and `r12`.
   */
  readonly register: (name: string) => bigint;
  /** Reads `length` bytes, or returns `undefined` if any cannot be read. */
  readonly read: (address: Address, length: number) => Uint8Array | undefined;
  /** Returns the text of `%pS`, or of `%ps` without `withOffset`; `undefined` if no symbol covers the address. */
  readonly symbolText: (address: Address, withOffset: boolean) => string | undefined;
  /** is_active_kernel_text(): is this code of the hypervisor or of an applied payload? */
  readonly isText: (address: Address) => boolean;
  /** Known system registers by their names on the screen. Arm prints an unknown one as such. */
  readonly systemRegisters?: Readonly<Record<string, bigint>>;
  /** debug_stack_lines= on the command line; 20 by default. */
  readonly stackLines?: number;
  /** The last-branch records, with ler= on the command line. */
  readonly ler?: { readonly from: Address; readonly to: Address };
}

/** Build options that change a panic screen. */
export interface BuildFacts {
  readonly debug: boolean;
  /** CONFIG_FRAME_POINTER: call traces follow frames. On in debug builds. */
  readonly framePointer: boolean;
  /** CONFIG_COVERAGE, by compiler. */
  readonly coverage?: 'gcov' | 'llvmcov';
  /** CONFIG_UBSAN. */
  readonly ubsan?: boolean;
}

/** A screen, and the address where Xen would have faulted while printing it. */
export interface ExecutionScreen {
  readonly lines: readonly string[];
  /** The stack word that cannot be read. The screen ends there, followed by a second one. */
  readonly fault?: Address;
}

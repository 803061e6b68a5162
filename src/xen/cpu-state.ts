import type { Address } from '../base/index.ts';
import type { Release } from './release.ts';

/** What a CPU was doing, and what is needed to show it. */
export interface ExecutionState {
  readonly release: Release;
  /** As in the banner, without `Xen-`: `4.17.7`. */
  readonly version: string;
  readonly build: BuildFacts;
  /** print_tainted(): `Not tainted`, or `Tainted: ` and its letters. */
  readonly tainted: string;
  /** The CPU's number. */
  readonly cpu: number;
  /** The running vcpu as `%pv` has it, `d0v0`; `undefined` for the idle vcpu, which is not shown. */
  readonly vcpu: string | undefined;
  /**
   * A register by its name on the screen: on x86-64 `rip`, `rflags`, `rax` … `r15`, `cr0`, `cr2`, `cr3`, `cr4`, the bases `fsb`, `gsb` and `gss`, and
   * the selectors `cs`, `ss`, `ds`, `es`, `fs` and `gs`; on Arm `pc`, `lr`, `sp`, `cpsr`, `fp`, `x0` … `x28` or `r0` … `r10` and `r12`.
   */
  readonly register: (name: string) => bigint;
  /** `length` bytes at an address, or `undefined` where not all of them can be read. */
  readonly read: (address: Address, length: number) => Uint8Array | undefined;
  /** As of `%pS`, or of `%ps` where `withOffset` is false; `undefined` where no symbol is. */
  readonly symbolText: (address: Address, withOffset: boolean) => string | undefined;
  /** is_active_kernel_text(): is it code of the hypervisor or of an applied payload? */
  readonly isText: (address: Address) => boolean;
  /** System registers by their names on the screen, as far as they are known: screens of Arm say where one is not. */
  readonly systemRegisters?: Readonly<Record<string, bigint>>;
  /** debug_stack_lines= of the command line; 20 unless given. */
  readonly stackLines?: number;
  /** The last-branch records, with ler= on the command line. */
  readonly ler?: { readonly from: Address; readonly to: Address };
}

/** What a hypervisor is built with, as far as its screens depend on it. */
export interface BuildFacts {
  readonly debug: boolean;
  /** CONFIG_FRAME_POINTER: call traces follow frames. On in debug builds. */
  readonly framePointer: boolean;
  /** CONFIG_COVERAGE, by compiler. */
  readonly coverage?: 'gcov' | 'llvmcov';
  /** CONFIG_UBSAN. */
  readonly ubsan?: boolean;
}

/** A screen, and where Xen would have faulted while it printed it. */
export interface ExecutionScreen {
  readonly lines: readonly string[];
  /** The word of the stack that cannot be read: the screen ends there, with another one behind it. */
  readonly fault?: Address;
}

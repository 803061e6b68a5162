import type { Architecture } from '../arch/index.ts';

/** An architecture's parameters for libunicorn. */
export interface EngineKind {
  /** UC_ARCH_*. */
  readonly arch: number;
  /** UC_MODE_*. */
  readonly mode: number;
  /** UC_CPU_*, if the default CPU lacks instructions that a hypervisor uses. */
  readonly cpuModel?: number;
  readonly programCounter: string;
  /** libunicorn's register numbers by their lower-case names on a panic screen. */
  readonly registers: Readonly<Record<string, number>>;
  /** Non-zero initial values. */
  readonly initial: Readonly<Record<string, bigint>>;
  /** Number of the exception that an invalid instruction raises. */
  readonly invalidOpcode: number;
}

/** Maps a row of names to consecutive register numbers. */
const row = (prefix: string, count: number, first: number): Readonly<Record<string, number>> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}${i}`, first + i]));

/**
 * Engines by architecture. Source of all numbers: unicorn/unicorn.h, x86.h, arm64.h and arm.h of 2.0.1 (`uc_x86_reg`, `uc_cpu_x86`
 * and so on).
 *
 * Paging stays off: memory is mapped at the virtual addresses of the simulated machine. So CR0 lacks PG, and CR3 is not the
 * machine's. WP is set as on a host, for code that clears it.
 *
 * On Arm the engine has neither EL2 nor Hyp mode. Code runs at EL1 or in Supervisor mode, whose registers stand for the
 * hypervisor's. EL2-only instructions raise an exception, and the caller emulates them.
 */
export const ENGINES: Readonly<Record<Architecture['name'], EngineKind>> = {
  x86_64: {
    arch: 4,
    mode: 8,
    // UC_CPU_X86_SKYLAKE_CLIENT: has SMAP, because hypervisor code uses STAC and CLAC.
    cpuModel: 21,
    programCounter: 'rip',
    registers: {
      rax: 35,
      rbx: 37,
      rcx: 38,
      rdx: 40,
      rsi: 43,
      rdi: 39,
      rbp: 36,
      rsp: 44,
      r8: 106,
      r9: 107,
      r10: 108,
      r11: 109,
      r12: 110,
      r13: 111,
      r14: 112,
      r15: 113,
      rip: 41,
      rflags: 25,
      cr0: 50,
      cr2: 52,
      cr3: 53,
      cr4: 54,
      fs_base: 250,
      gs_base: 251,
    },
    initial: { cr0: 0x10011n, rflags: 2n },
    invalidOpcode: 6,
  },
  arm64: {
    arch: 2,
    mode: 0,
    // UC_CPU_ARM64_MAX: features of the newest hosts, such as atomic instructions of Armv8.1.
    cpuModel: 3,
    programCounter: 'pc',
    // TPIDR_EL1 of the engine stands for TPIDR_EL2.
    registers: { ...row('x', 29, 199), fp: 1, lr: 2, sp: 4, pc: 260, cpsr: 265, tpidr_el2: 264 },
    initial: { cpsr: 0x3c5n },
    invalidOpcode: 1,
  },
  arm32: {
    arch: 1,
    mode: 0,
    // UC_CPU_ARM_CORTEX_A15: has the division of the virtualization extensions.
    cpuModel: 17,
    programCounter: 'pc',
    // TPIDRURO of the engine stands for HTPIDR.
    registers: { ...row('r', 11, 66), fp: 77, r12: 78, sp: 12, lr: 10, pc: 11, cpsr: 3, htpidr: 113 },
    initial: { cpsr: 0x1d3n },
    invalidOpcode: 1,
  },
};

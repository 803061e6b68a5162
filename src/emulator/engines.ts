import type { Architecture } from '../arch/index.ts';

/** What libunicorn has to be told of an architecture. */
export interface EngineKind {
  /** UC_ARCH_*. */
  readonly arch: number;
  /** UC_MODE_*. */
  readonly mode: number;
  /** UC_CPU_*, where the engine's default lacks instructions that a hypervisor uses. */
  readonly cpuModel?: number;
  readonly programCounter: string;
  /** The engine's numbers of the registers, by the names that a panic screen gives them, in lower case. */
  readonly registers: Readonly<Record<string, number>>;
  /** Values that an engine starts with, where they are not zero. */
  readonly initial: Readonly<Record<string, bigint>>;
  /** Number of the exception that an invalid instruction raises. */
  readonly invalidOpcode: number;
}

/**
 * Engines by architecture. Source of all numbers: unicorn/unicorn.h, unicorn/x86.h of 2.0.1 (`uc_x86_reg`, `uc_cpu_x86`).
 *
 * Paging stays off: addresses are mapped where the page tables of the simulated machine have them. So CR0 lacks PG, and CR3 is
 * not the machine's. WP is set as on a host, for code that clears it.
 */
export const ENGINES: Readonly<Partial<Record<Architecture['name'], EngineKind>>> = {
  x86_64: {
    arch: 4,
    mode: 8,
    // UC_CPU_X86_SKYLAKE_CLIENT: has SMAP, whose STAC and CLAC are in the hypervisor's code.
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
};

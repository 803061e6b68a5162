import type { Processor } from './processor.ts';

const NO_CET = { shadowStacks: false, indirectBranchTracking: false };

/**
 * Bits of the synthetic word, X86_SYNTH(n), in 4.17; older releases assign some of them differently.
 * Source: xen/arch/x86/include/asm/cpufeatures.h.
 */
const SYNTH = {
  CONSTANT_TSC: 0,
  NONSTOP_TSC: 1,
  ARAT: 2,
  ARCH_PERFMON: 3,
  TSC_RELIABLE: 4,
  XTOPOLOGY: 5,
  XEN_SMEP: 10,
  XEN_SMAP: 11,
  SC_NO_LOCK_HARDEN: 12,
  IND_THUNK_JMP: 14,
  SC_MSR_PV: 16,
  SC_MSR_HVM: 17,
  SC_RSB_PV: 18,
  SC_RSB_HVM: 19,
  XEN_SELFSNOOP: 20,
  SC_MSR_IDLE: 21,
  XEN_SHSTK: 26,
  XEN_IBT: 27,
} as const;

const synthetic = (...names: (keyof typeof SYNTH)[]): number =>
  names.reduce((word, name) => (word | (1 << SYNTH[name])) >>> 0, 0);

/**
 * The presets of `--cpu`. Those of QEMU 7.2 are measured from boot_cpu_data of Debian's 4.17.7, so that a rehearsal matches a real
 * hypervisor there. The others are typical members of their family, from the vendors' CPUID tables.
 */
export const CPU_PRESETS: Readonly<Record<string, Processor>> = Object.fromEntries(
  (
    [
      {
        name: 'qemu-max',
        title: "QEMU's max,-smap under software emulation",
        vendor: 'AMD',
        family: 0xf,
        model: 0x6b,
        featureset: [0x0fcbf3fd, 0xf6d8320b, 0xec500800, 0x75, 0x5, 0x018843a9, 0x20c, 0, 0, 0, 0, 0x4],
        synthetic: 0x81400,
        bugs: 0x70003,
        cet: NO_CET,
      },
      {
        name: 'qemu64',
        title: "QEMU's qemu64 under software emulation",
        vendor: 'AMD',
        family: 0xf,
        model: 0x6b,
        featureset: [0x078bf3fd, 0x80002001, 0x20100800, 0x5, 0, 0, 0, 0, 0, 0, 0, 0x4],
        synthetic: 0xc1000,
        bugs: 0x50007,
        cet: NO_CET,
      },
      {
        name: 'qemu-skylake',
        title: "QEMU's Skylake-Client,-smap under software emulation",
        vendor: 'Intel',
        family: 6,
        model: 0x5e,
        featureset: [0x078bfbfd, 0xc6d82203, 0x28100800, 0x21, 0x5, 0x00080389, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x4],
        synthetic: 0x81424,
        bugs: 0x100000,
        cet: NO_CET,
      },
      {
        name: 'intel-skylake',
        title: 'Intel Skylake-SP, no CET',
        vendor: 'Intel',
        family: 6,
        model: 0x55,
        featureset: [0xbfebfbff, 0x7ffefbff, 0x2c100800, 0x121, 0xf, 0xd39ffffb, 0x8, 0x100, 0, 0xbc000400],
        synthetic: synthetic(
          'CONSTANT_TSC',
          'NONSTOP_TSC',
          'ARAT',
          'ARCH_PERFMON',
          'TSC_RELIABLE',
          'XTOPOLOGY',
          'XEN_SMEP',
          'XEN_SMAP',
          'IND_THUNK_JMP',
          'SC_NO_LOCK_HARDEN',
          'SC_MSR_PV',
          'SC_MSR_HVM',
          'SC_RSB_PV',
          'SC_RSB_HVM',
          'XEN_SELFSNOOP',
          'SC_MSR_IDLE',
        ),
        bugs: 0,
        cet: NO_CET,
      },
      {
        name: 'intel-sapphire-rapids',
        title: 'Intel Sapphire Rapids, CET shadow stacks and IBT',
        vendor: 'Intel',
        family: 6,
        model: 0x8f,
        featureset: [
          0xbfebfbff, 0x7ffefbff, 0x2c100800, 0x121, 0x1f, 0xf3bfbffb, 0xfb417ffe, 0x100, 0x200, 0xffdd4432, 0x1c30,
        ],
        synthetic: synthetic(
          'CONSTANT_TSC',
          'NONSTOP_TSC',
          'ARAT',
          'ARCH_PERFMON',
          'TSC_RELIABLE',
          'XTOPOLOGY',
          'XEN_SMEP',
          'XEN_SMAP',
          'IND_THUNK_JMP',
          'SC_NO_LOCK_HARDEN',
          'SC_MSR_PV',
          'SC_MSR_HVM',
          'XEN_SELFSNOOP',
          'XEN_SHSTK',
          'XEN_IBT',
        ),
        bugs: 0,
        cet: { shadowStacks: true, indirectBranchTracking: true },
      },
      {
        name: 'amd-zen2',
        title: 'AMD Zen 2 (Rome), no CET',
        vendor: 'AMD',
        family: 0x17,
        model: 0x31,
        featureset: [0x178bfbff, 0x7ed8320b, 0x2c100800, 0x75c237ff, 0xf, 0x219c91a9, 0x00400004, 0x100, 0x111ef657],
        synthetic: synthetic(
          'CONSTANT_TSC',
          'NONSTOP_TSC',
          'ARAT',
          'TSC_RELIABLE',
          'XTOPOLOGY',
          'XEN_SMEP',
          'XEN_SMAP',
          'SC_NO_LOCK_HARDEN',
          'SC_RSB_PV',
          'SC_RSB_HVM',
        ),
        bugs: 0,
        cet: NO_CET,
      },
      {
        name: 'amd-zen4',
        title: 'AMD Zen 4 (Genoa), CET shadow stacks',
        vendor: 'AMD',
        family: 0x19,
        model: 0x11,
        featureset: [
          0x178bfbff, 0x7ef8320b, 0x2c100800, 0x75c237ff, 0xf, 0xf1bf97a9, 0x00405fce, 0x100, 0x791ef257, 0x10000010,
          0x20,
        ],
        synthetic: synthetic(
          'CONSTANT_TSC',
          'NONSTOP_TSC',
          'ARAT',
          'TSC_RELIABLE',
          'XTOPOLOGY',
          'XEN_SMEP',
          'XEN_SMAP',
          'SC_NO_LOCK_HARDEN',
          'SC_MSR_PV',
          'SC_MSR_HVM',
          'XEN_SHSTK',
        ),
        bugs: 0,
        cet: { shadowStacks: true, indirectBranchTracking: false },
      },
    ] satisfies Processor[]
  ).map((processor) => [processor.name, processor]),
);

/** The preset used by default. */
export const DEFAULT_CPU = 'qemu-max';

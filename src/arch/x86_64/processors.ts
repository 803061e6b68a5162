import type { Processor } from './processor.ts';

const NO_CET = { shadowStacks: false, indirectBranchTracking: false };

/** Bits of the synthetic word, X86_SYNTH(n). Source: xen/arch/x86/include/asm/cpufeatures.h, 4.17. */
const SYNTH = {
  CONSTANT_TSC: 0,
  NONSTOP_TSC: 1,
  ARAT: 2,
  ARCH_PERFMON: 3,
  TSC_RELIABLE: 4,
  XTOPOLOGY: 5,
  CPUID_FAULTING: 6,
  XEN_SMEP: 9,
  XEN_SMAP: 10,
  IND_THUNK_LFENCE: 12,
  IND_THUNK_JMP: 13,
  SC_BRANCH_HARDEN: 15,
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
 * The processors that `--cpu` offers. `qemu-max` is measured: QEMU 7.2's `-cpu max,-smap` as Debian's 4.17.7 sees it, so that a rehearsal is
 * comparable with a real hypervisor in QEMU. The others are typical members of their family, put together from vendors' CPUID tables.
 */
export const CPU_PRESETS: Readonly<Record<string, Processor>> = Object.fromEntries(
  (
    [
      {
        name: 'qemu-max',
        title: "QEMU's max,-smap under software emulation",
        vendor: 'AMD',
        family: 15,
        model: 107,
        featureset: [0x078bfbfd, 0x7ed8320b, 0x2c100800, 0x000001f7, 0x00000005, 0x01dc47ab, 0x0021040c, 0, 0x201],
        synthetic: synthetic('SC_BRANCH_HARDEN', 'SC_RSB_PV', 'SC_RSB_HVM'),
        bugs: 0,
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
          'SC_BRANCH_HARDEN',
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
          'SC_BRANCH_HARDEN',
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
          'SC_BRANCH_HARDEN',
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
          'SC_BRANCH_HARDEN',
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

/** The preset that holds where none is named. */
export const DEFAULT_CPU = 'qemu-max';

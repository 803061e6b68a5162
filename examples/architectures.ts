/** How to build for each architecture: tools, flags, and the link of its hypervisor. */
import type { ExampleArch } from '../src/cli/embedded/example.ts';

/**
 * Common flags, without features that a hypervisor does not use. No unwind tables: they would be loaded, but nothing reads
 * them.
 */
const CFLAGS: readonly string[] = [
  '-std=gnu11',
  '-O2',
  '-Wall',
  '-Wextra',
  '-ffreestanding',
  '-fvisibility=hidden',
  '-fno-common',
  '-fno-stack-protector',
  '-fno-asynchronous-unwind-tables',
  '-fno-jump-tables',
];

const COMMON_SOURCES: readonly string[] = [
  'common/config_data.S',
  'common/kernel.c',
  'common/keyhandler.c',
  'common/livepatch.c',
  'common/string.c',
  'common/version.c',
  'drivers/char/console.c',
];

/** Build parameters of one architecture. */
export interface ExampleTarget {
  readonly arch: ExampleArch;
  /** Prefix of its examples' names. */
  readonly folder: string;
  /** Prefix of `gcc`, `ld` and `objcopy`, and the compiler's Debian package. */
  readonly prefix: string;
  readonly debianPackage: string;
  /** Flags of hypervisor and payloads, and of payloads alone. */
  readonly cflags: readonly string[];
  readonly payloadFlags: readonly string[];
  /** The hypervisor's sources in link order, linker script, options and configuration, below `miniature-xen/`. */
  readonly image: {
    readonly sources: readonly string[];
    readonly script: string;
    readonly options: readonly string[];
    readonly config: string;
  };
}

/** Xen's own flags that affect a payload or its loader. */
const FLAGS: Readonly<Record<ExampleArch, readonly string[]>> = {
  // -fpic with hidden visibility: only relocations PC32, PLT32 and 64. -mmanual-endbr: only functions marked cf_check start with
  // ENDBR64, as since Xen 4.17.
  x86_64: [
    ...CFLAGS,
    '-fpic',
    '-fcf-protection=branch',
    '-mmanual-endbr',
    '-mno-red-zone',
    '-mgeneral-regs-only',
  ],
  arm64: [...CFLAGS, '-fno-pic', '-mcpu=generic', '-mgeneral-regs-only', '-mno-outline-atomics'],
  arm32: [...CFLAGS, '-fno-pic', '-marm', '-mcpu=cortex-a15', '-mfloat-abi=soft', '-mno-unaligned-access', '-masm-syntax-unified'],
};

const armImage = (arch: 'arm64' | 'arm32', start: string): ExampleTarget['image'] => ({
  sources: [
    `arch/arm/${arch}/head.S`,
    'arch/arm/domain.c',
    'arch/arm/livepatch.c',
    'arch/arm/setup.c',
    ...COMMON_SOURCES,
  ],
  script: 'arm.lds',
  options: [`--defsym=XEN_VIRT_START=${start}`],
  config: `${arch}.config`,
});

/** x86-64, which also builds payloads of other folders. */
export const X86_64: ExampleTarget = {
  arch: 'x86_64',
  folder: '',
  prefix: '',
  debianPackage: 'gcc',
  cflags: FLAGS.x86_64,
  payloadFlags: [],
  image: {
    sources: [
      'arch/x86/boot/head.S',
      'arch/x86/domain.c',
      'arch/x86/livepatch.c',
      'arch/x86/setup.c',
      'arch/x86/usercopy.c',
      ...COMMON_SOURCES,
    ],
    script: 'xen.lds',
    options: [],
    config: 'xen.config',
  },
};

/** In the order of the manifest. */
export const TARGETS: readonly ExampleTarget[] = [
  X86_64,
  {
    arch: 'arm64',
    folder: 'arm64/',
    prefix: 'aarch64-linux-gnu-',
    debianPackage: 'gcc-aarch64-linux-gnu',
    cflags: FLAGS.arm64,
    payloadFlags: [],
    // XEN_VIRT_START of 4.18: 2 MiB into the fifth slot of 512 GiB. Source: asm-arm/config.h.
    image: armImage('arm64', '0x20000200000'),
  },
  {
    arch: 'arm32',
    folder: 'arm32/',
    prefix: 'arm-linux-gnueabihf-',
    debianPackage: 'gcc-arm-linux-gnueabihf',
    cflags: FLAGS.arm32,
    // Xen's loader mishandles branches of odd distances: payloads/arm32/odd-branch.c.
    payloadFlags: ['-mlong-calls'],
    image: armImage('arm32', '0x200000'),
  },
];

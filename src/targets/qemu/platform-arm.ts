import { viewOf } from '../../base/index.ts';
import { EM_AARCH64, EM_ARM } from '../../elf/index.ts';
import { MACHINE_FILES, type Platform } from './platform.ts';
import { sourceXen } from './xen-source.ts';

/** Load addresses of dom0's kernel and initramfs: in memory, which begins at 1 GiB, after Xen, without overlap. */
const KERNEL_AT = '0x46000000';
const INITRD_AT = '0x4a000000';

const literalComma = (text: string): string => text.replaceAll(',', ',,');

/** QEMU's guest-loader devices put the modules into memory and the device tree, as a boot loader would for Xen. */
const loading: Platform['loading'] = (xen, dom0) => [
  ...['-kernel', MACHINE_FILES.xen, '-append', xen],
  '-device',
  `guest-loader,addr=${KERNEL_AT},kernel=${MACHINE_FILES.vmlinuz},bootargs=${literalComma(dom0)}`,
  '-device',
  `guest-loader,addr=${INITRD_AT},initrd=${MACHINE_FILES.initrd}`,
];

/** Gives dom0 half of the memory; by default Xen would give it all. The UART is that of QEMU's board. */
const xenArguments: Platform['xenArguments'] = (memory) =>
  `console=dtuart dtuart=/pl011@9000000 dom0_mem=${Math.floor(memory / 2)}M`;

const magicAt = (bytes: Uint8Array, offset: number, magic: number): boolean =>
  bytes.length >= offset + 4 && viewOf(bytes).getUint32(offset, true) === magic;

/** Common to both: QEMU's `virt` board, and modules for its virtio-mmio bus. */
const ARM = {
  serialBus: 'virtio-serial-device',
  xenArguments,
  loading,
  hypervisorName: 'the hypervisor built from Debian’s source',
} as const;

const MMIO_MODULES = ['xen/xen-privcmd.ko', 'virtio/virtio_mmio.ko', 'char/virtio_console.ko'];

const HINT = 'Use the file `xen` of the build, not `xen-syms`.';

/** AArch64. Image header: `ARM\x64` at offset 56. Source: Documentation/arm64/booting.rst of Linux, section 4. */
export const PLATFORM_ARM64: Platform = {
  ...ARM,
  arch: 'arm64',
  name: 'arm64',
  machine: EM_AARCH64,
  qemu: 'qemu-system-aarch64',
  board: 'virt,virtualization=on,gic-version=3',
  cpu: 'cortex-a57',
  kernel: {
    debianArch: 'arm64',
    // Has CONFIG_XEN_DOM0=y, and half the size of the other flavour.
    metaPackage: 'linux-image-cloud-arm64',
    modules: ['virtio/virtio_ring.ko', 'virtio/virtio.ko', ...MMIO_MODULES],
  },
  hypervisor: (fetching) => sourceXen(fetching, 'arm64'),
  bootable: (bytes) => magicAt(bytes, 56, 0x644d_5241),
  notBootable: { what: 'is not a Xen for arm64: no Image header', hint: HINT },
  inHypervisor: /^PSTATE=.*\bEL2/m,
};

/** 32-bit Arm. zImage header: its magic at offset 36. Source: Documentation/arm/booting.rst of Linux; xen/arch/arm/arm32/head.S. */
export const PLATFORM_ARM32: Platform = {
  ...ARM,
  arch: 'arm32',
  name: 'arm32',
  machine: EM_ARM,
  qemu: 'qemu-system-arm',
  // dom0's kernel cannot reach device memory above 4 GiB.
  board: 'virt,virtualization=on,gic-version=2,highmem=off',
  cpu: 'cortex-a15',
  kernel: {
    debianArch: 'armhf',
    metaPackage: 'linux-image-armmp-lpae',
    // virtio itself is built in.
    modules: MMIO_MODULES,
  },
  hypervisor: (fetching) => sourceXen(fetching, 'arm32'),
  bootable: (bytes) => magicAt(bytes, 36, 0x016f_2818),
  notBootable: { what: 'is not a Xen for arm32: no zImage header', hint: HINT },
  inHypervisor: /^PSR=.*\bhyp32/m,
};

import { viewOf } from '../../base/index.ts';
import { ELFCLASS32, EM_X86_64, isProblem, readElf } from '../../elf/index.ts';
import { debianXen } from './debian.ts';
import { MACHINE_FILES, type Platform } from './platform.ts';

/** Magic of a multiboot header, within the first 8192 bytes. Source: Multiboot Specification 0.6.96, section 3.1. */
const MULTIBOOT_MAGIC = 0x1bad_b002;
const MULTIBOOT_WITHIN = 8192;

const literalComma = (text: string): string => text.replaceAll(',', ',,');

function isMultiboot(bytes: Uint8Array): boolean {
  const view = viewOf(bytes.subarray(0, MULTIBOOT_WITHIN));
  for (let at = 0; at + 4 <= view.byteLength; at += 4) if (view.getUint32(at, true) === MULTIBOOT_MAGIC) return true;
  return false;
}

/** x86-64: a PV dom0, loaded by QEMU's own multiboot loader. */
export const PLATFORM_X86_64: Platform = {
  arch: 'x86_64',
  name: 'x86-64',
  machine: EM_X86_64,
  qemu: 'qemu-system-x86_64',
  board: 'pc',
  // With SMAP, a PV dom0 crashes at once under QEMU 7.2.
  cpu: 'max,-smap',
  serialBus: 'virtio-serial-pci',
  xenArguments: () => 'console=com1 com1=115200',
  loading: (xen, dom0) => [
    ...['-kernel', MACHINE_FILES.xen, '-append', xen],
    ...['-initrd', `${MACHINE_FILES.vmlinuz} ${literalComma(dom0)},${MACHINE_FILES.initrd}`],
  ],
  kernel: {
    debianArch: 'amd64',
    // The `cloud` flavour cannot be dom0 (`CONFIG_XEN_DOM0` is not set).
    metaPackage: 'linux-image-amd64',
    modules: [
      'xen/xen-privcmd.ko',
      'virtio/virtio_ring.ko',
      'virtio/virtio.ko',
      'virtio/virtio_pci_modern_dev.ko',
      'virtio/virtio_pci_legacy_dev.ko',
      'virtio/virtio_pci.ko',
      'char/virtio_console.ko',
    ],
  },
  hypervisor: debianXen,
  hypervisorName: "Debian's hypervisor",
  bootable: (bytes) => !isProblem(readElf(bytes)) && bytes[4] === ELFCLASS32 && isMultiboot(bytes),
  notBootable: {
    what: 'is not a Xen for x86-64: no multiboot header',
    hint: 'Use the file `xen` or `xen.gz` of the build, not `xen-syms` or `xen.efi`.',
  },
  inHypervisor: null,
};

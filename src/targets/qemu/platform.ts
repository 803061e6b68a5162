import type { XenArch } from '../../xen/index.ts';
import type { XenFiles } from './debian.ts';
import type { KernelPackage } from './kernel.ts';
import type { Fetching } from './packages.ts';

/** The files of a machine, by their names in its folder: no path of the user's gets into QEMU's lists with commas. */
export const MACHINE_FILES = { xen: 'xen', vmlinuz: 'vmlinuz', initrd: 'initrd', snapshot: 'machine' } as const;

/** One architecture: what booting a hypervisor on it takes. Shared code reads these and asks for no architecture. */
export interface Platform {
  readonly arch: XenArch;
  /** As a message calls it. */
  readonly name: string;
  /** `e_machine` of its `xen-syms`. */
  readonly machine: number;
  /** QEMU's program, its `-machine`, and its `-cpu` by default. */
  readonly qemu: string;
  readonly board: string;
  readonly cpu: string;
  /** QEMU's device that the agent's virtio port hangs on. */
  readonly serialBus: string;
  /** What has Xen's console on the first serial line, and what else this architecture needs on its command line. `memory` in MiB. */
  xenArguments(memory: number): string;
  /** The arguments that have QEMU load Xen, and dom0's kernel and initramfs behind it. */
  loading(xen: string, dom0: string): readonly string[];
  readonly kernel: KernelPackage;
  /** The hypervisor that is booted where the user names none. */
  hypervisor(fetching: Fetching): Promise<XenFiles>;
  /** How messages call that one. */
  readonly hypervisorName: string;
  /** Is this a hypervisor that `loading` can load? The file is unpacked already. */
  bootable(bytes: Uint8Array): boolean;
  /** What is to be told of a file that is none. */
  readonly notBootable: { readonly what: string; readonly hint: string };
  /**
   * How QEMU's `info registers` shows a CPU that is in the hypervisor, for architectures on which the hypervisor's addresses mean
   * something else in a guest; `null` where the hypervisor is in the page tables of every guest.
   */
  readonly inHypervisor: RegExp | null;
}

import type { XenArch } from '../../xen/index.ts';
import type { XenFiles } from './debian.ts';
import type { KernelPackage } from './kernel.ts';
import type { Fetching } from './packages.ts';

/** Names of a machine's files in its folder. QEMU's comma-separated options never contain a user's path. */
export const MACHINE_FILES = { xen: 'xen', vmlinuz: 'vmlinuz', initrd: 'initrd', snapshot: 'machine' } as const;

/** How to boot a hypervisor on one architecture. Shared code reads these rows and never tests the architecture. */
export interface Platform {
  readonly arch: XenArch;
  /** Name in messages. */
  readonly name: string;
  /** `e_machine` of its `xen-syms`. */
  readonly machine: number;
  /** QEMU's executable, its `-machine`, and its default `-cpu`. */
  readonly qemu: string;
  readonly board: string;
  readonly cpu: string;
  /** QEMU's device for the agent's virtio port. */
  readonly serialBus: string;
  /** Returns Xen's command line: console on the first serial line, and the architecture's own options. `memory` in MiB. */
  xenArguments(memory: number): string;
  /** Returns the arguments that make QEMU load Xen, with dom0's kernel and initramfs. */
  loading(xen: string, dom0: string): readonly string[];
  readonly kernel: KernelPackage;
  /** Fetches the default hypervisor. */
  hypervisor(fetching: Fetching): Promise<XenFiles>;
  /** Its name in messages. */
  readonly hypervisorName: string;
  /** Can `loading` load this (unpacked) file? */
  bootable(bytes: Uint8Array): boolean;
  /** Message and hint for a file that it cannot load. */
  readonly notBootable: { readonly what: string; readonly hint: string };
  /**
   * Matches QEMU's `info registers` for a CPU inside the hypervisor, where a guest has other mappings at the hypervisor's addresses.
   * `null` if every guest's page tables map the hypervisor.
   */
  readonly inHypervisor: RegExp | null;
}

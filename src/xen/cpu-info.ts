import { type Address, addOffset, type CStruct, cStruct, type FieldType } from '../base/index.ts';
import type { DomainLayout } from './printk-machine.ts';
import type { Release } from './release.ts';

/**
 * The top of each hypervisor stack on x86-64, and the pages of the stack.
 *
 * Sources: xen/arch/x86/include/asm/current.h and cpu-user-regs.h (asm-x86/ up to 4.16), traps.c (the bounds). Checked against the
 * debug information of builds of 4.14.6 and 4.17.5 (test/xen/layouts), and against the code of images (`imageCpuInfo`).
 */

/** Size and alignment of a stack in bytes: STACK_ORDER 3, in all releases since 4.11. */
export const STACK_SIZE = 0x8000;

const STACK_PAGE = 0x1000;

/** Registers in the order of `struct cpu_user_regs`, followed by what the hardware pushes. */
const PUSHED = ['r15', 'r14', 'r13', 'r12', 'rbp', 'rbx', 'r11', 'r10', 'r9', 'r8', 'rax', 'rcx', 'rdx', 'rsi', 'rdi'];

/**
 * Returns `struct cpu_user_regs` of a release: 200 bytes; 168 since 4.21 moved the data segments elsewhere. The selectors are 16
 * bits wide, in slots of 8 bytes.
 */
export function cpuUserRegs(release: Release): CStruct {
  const members: Record<string, FieldType> = {};
  for (const register of PUSHED) members[register] = 'u64';
  members['error_code'] = 'u32';
  members['entry_vector'] = 'u32';
  members['rip'] = 'u64';
  members['cs'] = 'u16';
  members['_pad_cs'] = 'bytes2';
  members['saved_upcall_mask'] = 'u8';
  members['rflags'] = 'u64';
  members['rsp'] = 'u64';
  members['ss'] = 'u16';
  if (release.x86State.userRegs === 'segments') {
    for (const selector of ['es', 'ds', 'fs', 'gs']) {
      members[`_pad_${selector}`] = 'bytes6';
      members[selector] = 'u16';
    }
  }
  return cStruct('cpu_user_regs', members);
}

/** FRED's event data, and a reserved word. */
const fredInfo = cStruct('fred_info', { edata: 'u64', _rsvd: 'u64' });

/**
 * Returns `struct cpu_info` of a release. Offsets of the members after the registers, counted from the end of the stack, never
 * changed.
 *
 * The bytes from `spec_ctrl` on are left alone: security fixes rearranged them within a branch (wider `xen_spec_ctrl`, new
 * `last_spec_ctrl`) without changing the size. `verw_sel` is padding before XSA-297.
 */
export function cpuInfo(release: Release): CStruct {
  return cStruct('cpu_info', {
    guest_cpu_user_regs: cpuUserRegs(release),
    _fred: release.x86State.userRegs === 'fred' ? fredInfo : undefined,
    processor_id: 'u32',
    verw_sel: 'u32',
    current_vcpu: 'u64',
    per_cpu_offset: 'u64',
    cr4: 'u64',
    xen_cr3: 'u64',
    pv_cr3: 'u64',
    shadow_spec_ctrl: 'u32',
    spec_ctrl: 'bytes12',
  });
}

/** get_cpu_info(): returns the address of the structure on the stack that `sp` points into. `info` is {@link cpuInfo}. */
export const cpuInfoAddress = (sp: Address, info: CStruct): Address =>
  addOffset(sp | BigInt(STACK_SIZE - 1), 1 - info.size);

/** Returns the offsets of the members of struct vcpu and struct domain that printk reads. */
export const guestLayout = (release: Release, pointerSize: 4 | 8): DomainLayout => ({
  domainId: 0,
  vcpuId: 0,
  // Follows `vcpu_id`, `processor`, and the vcpu_info pointer or the guest area that replaced it.
  vcpuDomain: 8 + (release.vcpuInfoArea ? 2 : 1) * pointerSize,
});

/** Purpose of a stack page; page 0 is the lowest. */
export type StackPage = 'primary' | 'ist' | 'shadow' | 'guard';

/**
 * Returns the purpose of the stack page that `sp` points into. Without a guard (release builds up to 4.13) an overflow of the
 * primary stack runs into pages 4 and 5, so they count as primary.
 */
export function stackPage(sp: Address, release: Release, debugBuild: boolean): StackPage {
  const page = Number((sp & BigInt(STACK_SIZE - 1)) / BigInt(STACK_PAGE));
  if (page >= 6) return 'primary';
  if (release.x86State.stackPages === 'shadow') return page === 0 || page === 5 ? 'shadow' : 'ist';
  if (page <= 3) return 'ist';
  return debugBuild ? 'guard' : 'primary';
}

/** Addresses of the last words to show, inclusive; below `sp` if there are none. */
export interface StackBounds {
  /** get_stack_dump_bottom: for a dump. */
  readonly dump: Address;
  /** get_stack_trace_bottom: for a call trace. */
  readonly trace: Address;
}

const roundUp = (sp: Address, size: number): Address => {
  const mask = BigInt(size - 1);
  return BigInt.asUintN(64, (sp + mask) & ~mask);
};

/** Returns the bounds of what Xen shows of the stack that `sp` points into. Source: xen/arch/x86/traps.c. */
export function stackBounds(sp: Address, release: Release, debugBuild: boolean): StackBounds {
  switch (stackPage(sp, release, debugBuild)) {
    case 'primary': {
      const end = roundUp(sp, STACK_SIZE);
      return { dump: addOffset(end, -8), trace: addOffset(end, -cpuInfo(release).size - 8) };
    }
    case 'ist': {
      const end = roundUp(sp, STACK_PAGE);
      // The registers are at the top; `es` and later members are not pushed.
      const regs = cpuUserRegs(release);
      const pushed = release.x86State.userRegs === 'segments' ? (regs.at['es'] as number) : regs.size;
      return { dump: addOffset(end, -8), trace: addOffset(end, -pushed - 8) };
    }
    default:
      return { dump: addOffset(sp, -8), trace: addOffset(sp, -8) };
  }
}

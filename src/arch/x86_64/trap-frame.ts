import type { TrapFrameLayout } from '../execution.ts';
import { DOUBLE_FAULT } from './double-fault.ts';

/**
 * 64-bit `struct cpu_user_regs`. The last 32 of its 200 bytes are a guest's data segments, left out here because hypervisor code has none.
 * Source: xen/include/public/arch-x86/xen-x86_64.h; the same in all releases.
 */
export const X86_64_TRAP_FRAME: TrapFrameLayout = {
  size: 200,
  registers: {
    r15: 0,
    r14: 8,
    r13: 16,
    r12: 24,
    rbp: 32,
    rbx: 40,
    r11: 48,
    r10: 56,
    r9: 64,
    r8: 72,
    rax: 80,
    rcx: 88,
    rdx: 96,
    rsi: 104,
    rdi: 112,
    rip: 128,
    rflags: 144,
    rsp: 152,
  },
  // SS, RSP, RFLAGS, CS, RIP and an error code. Intel SDM volume 3, 6.14.2.
  pushed: 48,
  alignment: 16,
  doubleFault: DOUBLE_FAULT,
};

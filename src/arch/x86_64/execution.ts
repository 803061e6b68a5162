import { addOffset } from '../../base/index.ts';
import { executionState, STACK_SIZE, stackPage } from '../../xen/index.ts';
import type { Execution } from '../execution.ts';
import { X86_64_CALLS } from './calling-convention.ts';
import { CR4, guestLayoutOf, setCurrent } from './current.ts';
import { ENDBR64_LEN, isEndbr64, isEndbr64Poison } from './endbr.ts';
import { fatalTrap, fixupText, GENERAL_PROTECTION, X86_EXCEPTIONS } from './exceptions.ts';
import { X86_64_TRAP_FRAME } from './trap-frame.ts';

/** Trap instructions by their names. 1f3dd605ea (4.22). */
const BUG_TRAPS = { ud2: Uint8Array.of(0x0f, 0x0b), udb: Uint8Array.of(0xd6) } as const;

/** CR0.WP. Intel SDM volume 3, 2.5. */
const WRITE_PROTECT = 1n << 16n;

/** Panic text of an indirect call whose target has no ENDBR64. Source: xen/arch/x86/traps.c, do_entry_CP. */
const NO_ENDBR = 'CONTROL-FLOW PROTECTION FAULT: #CP[0003] endbranch';

export const X86_64_EXECUTION: Execution = {
  calls: X86_64_CALLS,
  exceptions: X86_EXCEPTIONS,
  generalProtection: GENERAL_PROTECTION,
  fixupText,
  fatalTrap,
  emulate: () => false,
  trapFrame: X86_64_TRAP_FRAME,
  stacks: {
    size: STACK_SIZE,
    usable: (page, release, debugBuild) => stackPage(page, release, debugBuild) === 'primary',
  },
  guestLayout: guestLayoutOf,
  setCurrent,
  currentVariables: [],
  showExecutionState: executionState,
  // Selectors and control registers that do not change while the hypervisor runs. Source: xen/arch/x86/include/asm/config.h.
  systemRegisters: ({ tables, fault }) => ({
    cs: 0xe008n,
    ss: 0xe010n,
    cr0: 0x8005_003bn,
    cr2: fault?.address ?? 0n,
    cr3: tables,
    cr4: CR4,
  }),
  callerMark: ({ x86State }, framePointer) => (x86State.traceLetters ? (framePointer ? 'F ' : 'S ') : ''),
  bugFramesOfPayloads: 'handled',
  // In the directmap (DIRECTMAP_VIRT_START = 0xffff8300_00000000), where a host with 512 MiB has its heap; returnTo is below the fixmap, at the
  // end of Xen's own range. Source: xen/arch/x86/include/asm/config.h.
  layout: {
    heap: 0xffff_8300_4000_0000n,
    stacks: 0xffff_8300_1ffd_0000n,
    stackDistance: 0x1_0000,
    objects: 0xffff_8300_8000_0000n,
    zeroBlock: 0xbad0_bad0_bad0_bad0n,
    returnTo: 0xffff_82d0_7fe0_0000n,
  },
  bugTrap: (release) => BUG_TRAPS[release.bugTrap],
  // Alternative calls and trampolines enter after the ENDBR64.
  entryPoints(address, memory) {
    const start = memory.read(address, ENDBR64_LEN);
    return isEndbr64(start) || isEndbr64Poison(start) ? [address, addOffset(address, ENDBR64_LEN)] : [address];
  },
  setWriteProtect(cpu, on) {
    const cr0 = cpu.get('cr0');
    cpu.set('cr0', on ? cr0 | WRITE_PROTECT : cr0 & ~WRITE_PROTECT);
  },
  writeProtect: (cpu) => (cpu.get('cr0') & WRITE_PROTECT) !== 0n,
  refusesIndirectCall: (entry, memory) => (isEndbr64(memory.read(entry, ENDBR64_LEN)) ? null : NO_ENDBR),
};

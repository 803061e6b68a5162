import { viewOf } from '../../base/index.ts';
import { ARM_STACK_SIZE, ARM64_CPU_INFO_SIZE, arm64ExecutionState, arm64VaListArguments } from '../../xen/index.ts';
import { armCalls } from '../arm/calling-convention.ts';
import { setCurrentBy } from '../arm/current.ts';
import { armExecution } from '../arm/execution.ts';
import { wordBytes } from '../arm/patch.ts';
import type { CodeMemory } from '../code-memory.ts';
import type { Cpu } from '../cpu.ts';
import type { ExceptionRow } from '../execution.ts';

const numbered = (first: number, last: number): string[] =>
  Array.from({ length: last - first + 1 }, (_, i) => `x${first + i}`);

/** Exception numbers of the engine (EXCP_* of QEMU). */
const UNDEFINED = 1;
const BREAKPOINT = 7;
const MONITOR_CALL = 13;

/** ESR_EL2: class in bits 26 … 31, IL in bit 25. ARM DDI 0487, D13.2.37. */
const EXCEPTIONS: ReadonlyMap<number, ExceptionRow> = new Map([
  [UNDEFINED, { mnemonic: 'Hypervisor', handling: 'fatal', syndrome: 0x0200_0000 }],
  [2, { mnemonic: 'Hypervisor', handling: 'fatal', syndrome: 0x5600_0000 }],
  [BREAKPOINT, { mnemonic: 'Undefined Breakpoint Value', handling: 'bug-frame', syndrome: 0xf200_0001 }],
  [11, { mnemonic: 'Hypervisor', handling: 'fatal', syndrome: 0x5a00_0000 }],
]);

/** BRK #1. Source: asm-arm/arm64/brk.h, BRK_BUG_FRAME_IMM. */
const BUG_TRAP = wordBytes(0xd420_0020);

/** Moves between a general register and a system register, and system instructions. ARM DDI 0487, C4.1.3. */
const SYSTEM = { mask: 0xffc0_0000, value: 0xd500_0000 } as const;
const IS_READ = 1 << 21;

/** op0, op1, CRn, CRm and op2 of TPIDR_EL2: S3_4_C13_C0_2. */
const TPIDR_EL2 = 0xe682;

const ZERO_REGISTER = 31;

/** Returns a general register's name by its number in an instruction. */
const general = (number: number): string => (number === 29 ? 'fp' : number === 30 ? 'lr' : `x${number}`);

/**
 * Emulates the system registers and instructions of EL2, which the engine lacks. Stores TPIDR_EL2; the others read as zero and ignore
 * writes. Firmware calls return NOT_SUPPORTED.
 */
function emulate(vector: number, cpu: Cpu, memory: CodeMemory): boolean {
  if (vector === MONITOR_CALL) {
    // The program counter is already past it. SMCCC, 6.1: NOT_SUPPORTED.
    cpu.set('x0', 0xffff_ffff_ffff_ffffn);
    return true;
  }
  if (vector !== UNDEFINED) return false;
  const pc = cpu.get('pc');
  const word = viewOf(memory.read(pc, 4)).getUint32(0, true);
  if ((word & SYSTEM.mask) >>> 0 !== SYSTEM.value) return false;
  const target = word & 0x1f;
  const isTpidr = ((word >>> 5) & 0xffff) === TPIDR_EL2;
  if ((word & IS_READ) !== 0) {
    if (target !== ZERO_REGISTER) cpu.set(general(target), isTpidr ? cpu.get('tpidr_el2') : 0n);
  } else if (isTpidr) cpu.set('tpidr_el2', target === ZERO_REGISTER ? 0n : cpu.get(general(target)));
  cpu.set('pc', pc + 4n);
  return true;
}

/** arm64. Sources: AAPCS64, 6; xen/arch/arm/traps.c, arm64/entry.S. */
export const ARM64_EXECUTION = armExecution({
  calls: armCalls({
    pointerSize: 8,
    arguments: numbered(0, 7),
    others: [...numbered(8, 28), 'fp'],
    // EL1h, debug exceptions and asynchronous aborts masked.
    mode: 0x305n,
    alignment: 16,
    savedMask: 0x3c0n,
    upperResult: null,
    vaList: arm64VaListArguments,
  }),
  // In all releases, do_bug_frame requires the file name in the image: is_kernel.
  bugFramesOfPayloads: 'without-names',
  exceptions: EXCEPTIONS,
  pointerSize: 8,
  bugTrap: BUG_TRAP,
  emulate,
  trapFrame: {
    size: 336,
    registers: {
      ...Object.fromEntries(numbered(0, 28).map((name, i) => [name, 8 * i])),
      fp: 232,
      lr: 240,
      sp: 248,
      pc: 256,
      cpsr: 264,
    },
    // UREGS_kernel_sizeof.
    pushed: 288,
    alignment: 16,
    doubleFault: null,
  },
  setCurrent: setCurrentBy('tpidr_el2', 8, ARM64_CPU_INFO_SIZE),
  showExecutionState: arm64ExecutionState,
  // In the directmap, above the memory of a host with 512 MiB at 0x40000000; zeroBlock and returnTo are never mapped. Source: asm-arm/config.h.
  layout: {
    heap: 0x8000_8000_0000n,
    stacks: 0x8000_5ff0_0000n,
    stackDistance: 2 * ARM_STACK_SIZE,
    objects: 0x8000_c000_0000n,
    zeroBlock: 0xffff_ffff_ffff_ffffn,
    returnTo: 0x7fff_ffff_0000n,
  },
});

import { viewOf } from '../../base/index.ts';
import { ARM_STACK_SIZE, ARM32_CPU_INFO_SIZE, arm32ExecutionState, arm32VaListArguments } from '../../xen/index.ts';
import { armCalls } from '../arm/calling-convention.ts';
import { setCurrentBy } from '../arm/current.ts';
import { armExecution } from '../arm/execution.ts';
import { wordBytes } from '../arm/patch.ts';
import type { CodeMemory } from '../code-memory.ts';
import type { Cpu } from '../cpu.ts';
import type { ExceptionRow } from '../execution.ts';

const numbered = (first: number, last: number): string[] =>
  Array.from({ length: last - first + 1 }, (_, i) => `r${first + i}`);

/** Exception numbers of the engine (EXCP_* of QEMU). */
const UNDEFINED = 1;
const MONITOR_CALL = 13;

const EXCEPTIONS: ReadonlyMap<number, ExceptionRow> = new Map([
  [UNDEFINED, { mnemonic: 'Undefined Instruction', handling: 'bug-frame' }],
  [2, { mnemonic: 'Hypervisor Call', handling: 'fatal' }],
  [7, { mnemonic: 'Prefetch Abort', handling: 'fatal' }],
  [11, { mnemonic: 'Hypervisor Call', handling: 'fatal' }],
]);

/** BUG_OPCODE. Source: asm-arm/arm32/bug.h. */
const BUG_TRAP = wordBytes(0xe7f0_00f0);

/** MRC and MCR, and MRRC and MCRR. ARM DDI 0406C, A8.8.98, A8.8.107. */
const ONE_REGISTER = { mask: 0x0f00_0010, value: 0x0e00_0010 } as const;
const TWO_REGISTERS = { mask: 0x0fe0_0000, value: 0x0c40_0000 } as const;
const IS_READ = 1 << 20;
/** Coprocessor 15, system control. */
const COPROCESSOR = { mask: 0xf00, value: 0xf00 } as const;

/** opc1, CRn, opc2 and CRm of HTPIDR, p15: 4, c13, 2, c0. */
const HTPIDR = { mask: 0x00ef_00ef, value: 0x008d_0040 } as const;

const matches = (word: number, { mask, value }: { readonly mask: number; readonly value: number }): boolean =>
  (word & mask) >>> 0 === value;

/** General registers by their number in an instruction. */
const NAMES = [...numbered(0, 10), 'fp', 'r12', 'sp', 'lr'];
const general = (number: number): string | undefined => NAMES[number];

/**
 * Emulates the system registers of Hyp mode, which the engine lacks. Stores HTPIDR; the others read as zero and ignore writes. Firmware
 * calls return NOT_SUPPORTED.
 */
function emulate(vector: number, cpu: Cpu, memory: CodeMemory): boolean {
  if (vector === MONITOR_CALL) {
    // The program counter is already past it. SMCCC, 6.1: NOT_SUPPORTED.
    cpu.set('r0', 0xffff_ffffn);
    return true;
  }
  if (vector !== UNDEFINED) return false;
  const pc = cpu.get('pc');
  const word = viewOf(memory.read(pc, 4)).getUint32(0, true);
  if (!matches(word, COPROCESSOR)) return false;
  const pair = matches(word, TWO_REGISTERS);
  if (!pair && !matches(word, ONE_REGISTER)) return false;
  const isHtpidr = !pair && matches(word, HTPIDR);
  const first = general((word >>> 12) & 0xf);
  if ((word & IS_READ) !== 0) {
    if (first !== undefined) cpu.set(first, isHtpidr ? cpu.get('htpidr') : 0n);
    const second = general((word >>> 16) & 0xf);
    if (pair && second !== undefined) cpu.set(second, 0n);
  } else if (isHtpidr && first !== undefined) cpu.set('htpidr', cpu.get(first));
  cpu.set('pc', pc + 4n);
  return true;
}

/** arm32. Sources: AAPCS32, 6; xen/arch/arm/traps.c, arm32/traps.c, arm32/entry.S. */
export const ARM32_EXECUTION = armExecution({
  calls: armCalls({
    pointerSize: 4,
    arguments: numbered(0, 3),
    others: [...numbered(4, 10), 'fp', 'r12'],
    // Supervisor mode, asynchronous aborts masked.
    mode: 0x113n,
    alignment: 8,
    savedMask: 0xffff_ffffn,
    upperResult: 'r1',
    vaList: arm32VaListArguments,
  }),
  // In all releases, do_trap_undefined_instruction requires the instruction in the image's text: is_kernel_text.
  bugFramesOfPayloads: 'not-looked-at',
  exceptions: EXCEPTIONS,
  pointerSize: 4,
  bugTrap: BUG_TRAP,
  emulate,
  trapFrame: {
    size: 160,
    registers: {
      ...Object.fromEntries(numbered(0, 10).map((name, i) => [name, 4 * i])),
      fp: 44,
      r12: 48,
      sp: 52,
      lr: 56,
      pc: 60,
      cpsr: 64,
    },
    // Up to the guest registers.
    pushed: 72,
    alignment: 4,
    doubleFault: null,
  },
  setCurrent: setCurrentBy('htpidr', 4, ARM32_CPU_INFO_SIZE),
  showExecutionState: arm32ExecutionState,
  // In the always-mapped heap, from 1 GiB to 2 GiB; zeroBlock and returnTo are never mapped. Source: asm-arm/config.h.
  layout: {
    heap: 0x5000_0000n,
    stacks: 0x4ff0_0000n,
    stackDistance: 2 * ARM_STACK_SIZE,
    objects: 0x6000_0000n,
    zeroBlock: 0xffff_ffffn,
    returnTo: 0xf000_0000n,
  },
});

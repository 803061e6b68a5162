import { addOffset, viewOf } from '../../base/index.ts';
import { vaListArguments } from '../../xen/index.ts';
import type { CallingConvention } from '../calling-convention.ts';

const ARGUMENTS = ['rdi', 'rsi', 'rdx', 'rcx', 'r8', 'r9'] as const;

/** Bit 1 of RFLAGS is always set; bit 9 enables interrupts. Intel SDM volume 1, 3.4.3. */
const FLAGS = 0x2n;
const INTERRUPT_FLAG = 0x200n;

/** System V ABI, AMD64 supplement, 3.2.3. */
export const X86_64_CALLS: CallingConvention = {
  programCounter: 'rip',
  stackPointer: 'rsp',
  flags: 'rflags',
  result: 'rax',
  arguments: ARGUMENTS,
  argumentNames: [
    ['rdi', 'edi', 'di', 'dil'],
    ['rsi', 'esi', 'si', 'sil'],
    ['rdx', 'edx', 'dx', 'dl'],
    ['rcx', 'ecx', 'cx', 'cl'],
    ['r8', 'r8d', 'r8w', 'r8b'],
    ['r9', 'r9d', 'r9w', 'r9b'],
  ],
  registers: [...ARGUMENTS, 'rax', 'rbx', 'rbp', 'rsp', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15', 'rip', 'rflags'],
  flagsWith: (interrupts) => (interrupts ? FLAGS | INTERRUPT_FLAG : FLAGS),
  interruptsIn: (flags) => (flags & INTERRUPT_FLAG) !== 0n,
  withInterrupts: (flags, on) => (on ? flags | INTERRUPT_FLAG : flags & ~INTERRUPT_FLAG),
  savedFlags: (flags) => flags,
  enter(cpu, memory, entry, args, returnTo) {
    const onStack = args.slice(ARGUMENTS.length);
    // The stack is 16-byte aligned at the call, with the arguments on it.
    const bottom = (cpu.get('rsp') - BigInt(8 * onStack.length)) & ~15n;
    const frame = new DataView(new ArrayBuffer(8 * (onStack.length + 1)));
    frame.setBigUint64(0, returnTo, true);
    for (const [i, value] of onStack.entries()) frame.setBigUint64(8 * (i + 1), value, true);
    const rsp = addOffset(bottom, -8);
    memory.write(rsp, new Uint8Array(frame.buffer));
    for (const [i, register] of ARGUMENTS.entries()) cpu.set(register, args[i] ?? 0n);
    cpu.set('rsp', rsp);
    // AL holds the number of vector registers passed to a variadic function.
    cpu.set('rax', 0n);
    cpu.set('rip', entry);
  },
  stackArguments: (cpu) => addOffset(cpu.get('rsp'), 8),
  vaList: vaListArguments,
  leave(cpu, memory, result) {
    const rsp = cpu.get('rsp');
    const returnTo = viewOf(memory.read(rsp, 8)).getBigUint64(0, true);
    cpu.set('rax', result);
    cpu.set('rsp', addOffset(rsp, 8));
    cpu.set('rip', returnTo);
  },
};

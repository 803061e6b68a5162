import { setWord } from '../../base/index.ts';
import type { ArgumentSource, ReadMemory } from '../../xen/index.ts';
import type { CallingConvention } from '../calling-convention.ts';

/** PSTATE.I, CPSR.I: masks interrupts. */
const IRQ_MASK = 0x80n;

/** PSTATE.F: masks fast interrupts; always set in the hypervisor. Source: asm-arm/arm64/system.h, arm32/system.h (local_irq_save). */
const FIQ_MASK = 0x40n;

/** Makes the calling convention of arm64 or arm32: arguments in the first registers, the rest on the stack, the return address in `lr`. */
export function armCalls(rules: {
  readonly pointerSize: 4 | 8;
  readonly arguments: readonly string[];
  /** The other registers, except `sp`, `lr`, `pc` and `cpsr`. */
  readonly others: readonly string[];
  /** Mode bits of the emulated processor. */
  readonly mode: bigint;
  /** Stack alignment at a call, in bytes. */
  readonly alignment: 8 | 16;
  /** The flags that local_irq_save() saves. */
  readonly savedMask: bigint;
  /** Register of a 64-bit result's upper half; `null` if one register holds it all. */
  readonly upperResult: string | null;
  vaList(argument: bigint, read: ReadMemory): ArgumentSource;
}): CallingConvention {
  const { pointerSize, mode } = rules;
  const [first = ''] = rules.arguments;
  const bits = pointerSize * 8;
  return {
    programCounter: 'pc',
    stackPointer: 'sp',
    flags: 'cpsr',
    result: first,
    arguments: rules.arguments,
    argumentNames: rules.arguments.map((name) => [name, name.replace('x', 'w')]),
    registers: [...rules.arguments, ...rules.others, 'sp', 'lr', 'pc', 'cpsr'],
    flagsWith: (interrupts) => mode | FIQ_MASK | (interrupts ? 0n : IRQ_MASK),
    interruptsIn: (flags) => (flags & IRQ_MASK) === 0n,
    withInterrupts: (flags, on) => (on ? flags & ~IRQ_MASK : flags | IRQ_MASK),
    savedFlags: (flags) => flags & rules.savedMask,
    enter(cpu, memory, entry, args, returnTo) {
      const onStack = args.slice(rules.arguments.length);
      const size = pointerSize * onStack.length;
      const sp = (cpu.get('sp') - BigInt(size)) & ~BigInt(rules.alignment - 1);
      const view = new DataView(new ArrayBuffer(size));
      for (const [i, value] of onStack.entries()) setWord(view, pointerSize * i, pointerSize, value);
      if (size > 0) memory.write(sp, new Uint8Array(view.buffer));
      for (const [i, register] of rules.arguments.entries()) cpu.set(register, BigInt.asUintN(bits, args[i] ?? 0n));
      cpu.set('sp', sp);
      cpu.set('lr', returnTo);
      cpu.set('pc', entry);
    },
    stackArguments: (cpu) => cpu.get('sp'),
    vaList: rules.vaList,
    leave(cpu, _memory, result) {
      cpu.set(first, BigInt.asUintN(bits, result));
      if (rules.upperResult !== null) cpu.set(rules.upperResult, BigInt.asUintN(bits, result >> BigInt(bits)));
      cpu.set('pc', cpu.get('lr'));
    },
  };
}

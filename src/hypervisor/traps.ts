import type { ExceptionRow } from '../arch/index.ts';
import { type Address, addOffset, assert, equalBytes, getWord, pointerText, setWord, viewOf } from '../base/index.ts';
import { MemoryFault } from '../machine/index.ts';
import { bugFileName } from '../xen/index.ts';
import type { CodeRunner } from './code-port.ts';
import { executionState } from './execution-state.ts';
import { type Hypervisor, within } from './hypervisor.ts';
import { HostStop, type StopCause } from './stop.ts';
import { symbolText } from './symbol-text.ts';
import {
  bugFrameText,
  type FoundBugFrame,
  findBugFrame,
  isActiveKernelText,
  searchExceptionTable,
} from './trap-tables.ts';
import type { TrappedState } from './trapped-state.ts';

/**
 * Trap handlers. Bug frames print, faults with a fix-up continue there, and all other traps end the host.
 * Source: xen/arch/x86/traps.c (do_page_fault, do_general_protection, do_invalid_op, do_int3, do_trap).
 */

/** Returns the registers of the running code. */
export function trappedState(hv: Hypervisor, runner: CodeRunner, vector?: number): TrappedState {
  const { calls, exceptions } = hv.arch.execution;
  const names = calls.registers;
  const { current, cpu } = runner.context;
  const syndrome = vector === undefined ? undefined : exceptions.get(vector)?.syndrome;
  return {
    registers: new Map(names.map((name) => [name, runner.cpu.get(name)])),
    vcpu: current === 'dom0' ? 'd0v0' : undefined,
    cpu,
    ...(syndrome !== undefined && { syndrome }),
  };
}

/** do_page_fault, do_general_protection. `undefined` means that the page tables now allow the access. */
export function handleFault(hv: Hypervisor, runner: CodeRunner, memoryFault: MemoryFault | undefined): void {
  if (memoryFault === undefined) {
    // Code has cleared CR0.WP since the run began; the next run uses the new value.
    assert(!hv.machine.space.writeProtect, 'the processor faults where the page tables do');
    return;
  }
  checkStack(hv, runner);
  const { fault } = memoryFault;
  if (fault.kind === 'page-fault') {
    if (!fixUp(hv, runner)) die(hv, runner, { kind: 'fault', fault });
    return;
  }
  const { exceptions, generalProtection } = hv.arch.execution;
  const row = generalProtection === null ? undefined : exceptions.get(generalProtection);
  if (!fixUp(hv, runner, row?.mnemonic)) die(hv, runner, { kind: 'fault', fault });
}

/** Handles an exception other than a memory fault. */
export function handleException(hv: Hypervisor, runner: CodeRunner, vector: number): void {
  if (hv.arch.execution.emulate(vector, runner.cpu, hv.machine.space)) return;
  checkStack(hv, runner);
  const row: ExceptionRow = hv.arch.execution.exceptions.get(vector) ?? { mnemonic: '???', handling: 'fatal' };
  const { mnemonic, handling, panicText: text } = row;
  switch (handling) {
    case 'ignored':
      return;
    case 'bug-frame':
      bugTrap(hv, runner, vector, mnemonic);
      return;
    case 'breakpoint':
      if (!fixUp(hv, runner, mnemonic)) breakpoint(hv, runner);
      return;
    case 'fatal': {
      if (fixUp(hv, runner, mnemonic)) return;
      if (text === undefined) unhandled(hv, runner, vector, `code raises ${mnemonic}`);
      die(hv, runner, { kind: 'trap', text, why: 'the processor refuses this instruction to the hypervisor' });
    }
  }
}

function unhandled(hv: Hypervisor, runner: CodeRunner, vector: number, why: string): never {
  const { calls, fatalTrap } = hv.arch.execution;
  const interrupts = calls.interruptsIn(runner.cpu.get(calls.flags));
  die(hv, runner, { kind: 'fatal', ...fatalTrap(vector, { cpu: runner.context.cpu, interrupts }), why }, vector);
}

function die(hv: Hypervisor, runner: CodeRunner, cause: StopCause, vector?: number): never {
  const fault = cause.kind === 'fault' && cause.fault.kind === 'page-fault' ? cause.fault : undefined;
  hv.trapped = {
    ...trappedState(hv, runner, vector),
    ...(fault !== undefined && { faultAddress: fault.address, syndrome: fault.errorCode }),
  };
  throw new HostStop(cause);
}

const programCounter = (hv: Hypervisor, runner: CodeRunner): Address =>
  runner.cpu.get(hv.arch.execution.calls.programCounter);

const resumeAt = (hv: Hypervisor, runner: CodeRunner, address: Address): void =>
  runner.cpu.set(hv.arch.execution.calls.programCounter, address);

/** Ends the host if the trap frame does not fit on the stack, since the processor then faults again. */
function checkStack(hv: Hypervisor, runner: CodeRunner): void {
  const { trapFrame, calls } = hv.arch.execution;
  const stack = runner.cpu.get(calls.stackPointer) & ~BigInt(trapFrame.alignment - 1);
  try {
    hv.machine.space.check(addOffset(stack, -trapFrame.pushed), trapFrame.pushed, 'write');
  } catch (thrown) {
    if (!(thrown instanceof MemoryFault)) throw thrown;
    const why = 'the stack is exhausted or lost';
    if (trapFrame.doubleFault === null) die(hv, runner, { kind: 'corruption', why });
    const stack = runner.stackOf(runner.context.cpu);
    die(hv, runner, { kind: 'double-fault', with: trapFrame.doubleFault, why, stack });
  }
}

/** extable_fixup: continues at the fix-up of the trapping instruction, if it has one. Only debug builds print it, except for page faults. */
function fixUp(hv: Hypervisor, runner: CodeRunner, mnemonic?: string): boolean {
  const at = programCounter(hv, runner);
  const cont = searchExceptionTable(hv, at);
  if (cont === undefined) return false;
  const { fixupText } = hv.arch.execution;
  if (hv.options.debugBuild && mnemonic !== undefined && fixupText !== null) {
    hv.machine.console.print(`${fixupText(mnemonic, `${pointerText(at)} [${symbolText(hv, at)}]`, cont)}\n`);
  }
  resumeAt(hv, runner, cont);
  return true;
}

/** do_int3: the instruction is complete, and code continues after it. */
function breakpoint(hv: Hypervisor, runner: CodeRunner): void {
  const at = programCounter(hv, runner);
  hv.machine.console.printk('DEBUG', `Hit embedded breakpoint at ${pointerText(at)} [${symbolText(hv, at)}]`);
}

/** do_invalid_op; on Arm do_trap_brk and do_trap_undefined_instruction. */
function bugTrap(hv: Hypervisor, runner: CodeRunner, vector: number, mnemonic: string): void {
  const at = programCounter(hv, runner);
  const frame = bugFrameAt(hv, at);
  if (frame !== undefined && handleBugFrame(hv, runner, frame, vector)) return;
  if (fixUp(hv, runner, mnemonic)) return;
  const why =
    frame === undefined
      ? `code reaches an invalid instruction at ${symbolText(hv, at)}`
      : `the bug frame at ${symbolText(hv, at)} has a file name outside the hypervisor and its payloads`;
  unhandled(hv, runner, vector, why);
}

/** Returns the bug frame of a trap instruction in registered text. */
function bugFrameAt(hv: Hypervisor, at: Address): FoundBugFrame | undefined {
  if (!isActiveKernelText(hv, at)) return undefined;
  const trap = hv.arch.execution.bugTrap(hv.release);
  try {
    if (!equalBytes(hv.machine.space.read(at, trap.length), trap)) return undefined;
  } catch (thrown) {
    // copy_from_unsafe: an unreadable instruction has no bug frame.
    if (thrown instanceof MemoryFault) return undefined;
    throw thrown;
  }
  return findBugFrame(hv, at);
}

/** Performs a bug frame. Returns false if Xen rejects its file name and treats the trap as an ordinary one. */
function handleBugFrame(hv: Hypervisor, runner: CodeRunner, frame: FoundBugFrame, vector: number): boolean {
  const at = programCounter(hv, runner);
  const next = addOffset(at, hv.arch.execution.bugTrap(hv.release).length);
  if (frame.type === 'run_fn') {
    const { calls } = hv.arch.execution;
    callWithTrapFrame(hv, runner, frame.pointer ?? runner.cpu.get(calls.arguments[0] as string));
    resumeAt(hv, runner, next);
    return true;
  }
  const file = bugFrameText(hv, frame.pointer);
  if (file === undefined) return false;
  const { prefix, name } = bugFileName(file);
  const place = { file: `${prefix}${name}`, line: frame.line };
  switch (frame.type) {
    case 'warn':
      hv.machine.console.printk('DEFAULT', `Xen WARN at ${place.file}:${place.line}`);
      for (const line of executionState(hv, trappedState(hv, runner, vector)))
        hv.machine.console.printk('DEFAULT', line);
      resumeAt(hv, runner, next);
      return true;
    case 'bug':
      return die(hv, runner, { kind: 'bug', ...place, why: `BUG() at ${symbolText(hv, at)}` }, vector);
    case 'assert': {
      const condition = (frame.message === null ? undefined : bugFrameText(hv, frame.message)) ?? '<unknown>';
      return die(hv, runner, { kind: 'assertion', condition, ...place }, vector);
    }
  }
}

/** run_in_exception_handler: the function gets the trapped registers in memory and may change them. */
function callWithTrapFrame(hv: Hypervisor, runner: CodeRunner, entry: Address): void {
  const { trapFrame, calls } = hv.arch.execution;
  const { space } = hv.machine;
  const stack = runner.cpu.get(calls.stackPointer) & ~BigInt(trapFrame.alignment - 1);
  const { pointerSize } = hv.arch.elf;
  const end = Math.max(...Object.values(trapFrame.registers)) + 2 * pointerSize;
  const frame = addOffset(stack, -end);
  const bytes = new Uint8Array(end);
  const view = viewOf(bytes);
  for (const [name, at] of Object.entries(trapFrame.registers)) setWord(view, at, pointerSize, runner.cpu.get(name));
  space.write(frame, bytes);
  within(hv, symbolText(hv, entry), () => runner.callNested(entry, [frame], frame));
  const after = viewOf(space.read(frame, end));
  for (const [name, at] of Object.entries(trapFrame.registers)) runner.cpu.set(name, getWord(after, at, pointerSize));
}

/** Reads the registers from a `struct cpu_user_regs` in memory. */
export function registersInMemory(hv: Hypervisor, frame: Address): ReadonlyMap<string, bigint> {
  const { registers, size } = hv.arch.execution.trapFrame;
  const view = viewOf(hv.machine.space.read(frame, Math.min(size, 1 + Math.max(...Object.values(registers)) + 7)));
  return new Map(Object.entries(registers).map(([name, at]) => [name, getWord(view, at, hv.arch.elf.pointerSize)]));
}

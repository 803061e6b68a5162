import { type Address, fromLatin1 } from '../base/index.ts';
import { type ArgumentSource, callArguments, vsnprintf } from '../xen/index.ts';
import { executionState } from './execution-state.ts';
import { printkMachine } from './printk-machine.ts';
import { argument, type SimulatedCall, type SimulatedFunction, simulatedBecause } from './simulated-function.ts';
import { HostStop } from './stop.ts';
import { registersInMemory, trappedState } from './traps.ts';

/** The console. Sources: xen/drivers/char/console.c, xen/common/vsprintf.c, xen/arch/x86/traps.c. */

/** Size of `buf` in vprintk_common and in panic, including the NUL. */
const PRINTK_SIZE = 1024;
const PANIC_SIZE = 128;

/** Returns the arguments after the first `named` ones. */
function variadic(call: SimulatedCall, named: number): ArgumentSource {
  const { registers, stackArguments, hv } = call;
  const read = (address: Address, length: number): Uint8Array => hv.machine.space.read(address, length);
  return callArguments(registers.slice(named), stackArguments, read, hv.arch.elf.pointerSize);
}

const vaList = (call: SimulatedCall, index: number): ArgumentSource =>
  call.hv.arch.execution.calls.vaList(argument(call, index), (address, length) =>
    call.hv.machine.space.read(address, length),
  );

/** Formats with a format string in the hypervisor's memory. */
function formatted(call: SimulatedCall, format: Address, args: ArgumentSource, size: number) {
  const text = call.hv.machine.space.readCString(format, FORMAT_MAX);
  return vsnprintf(size, text, args, printkMachine(call.hv));
}

/** Longest format string read. */
const FORMAT_MAX = 1 << 16;

function printk(call: SimulatedCall): bigint {
  const { text } = formatted(call, argument(call, 0), variadic(call, 1), PRINTK_SIZE);
  call.hv.machine.console.print(text, call.runner.context.cpu);
  return 0n;
}

/** The console prefixes each line with `(d1) ` instead of `(XEN) `. */
function guestPrintk(call: SimulatedCall): bigint {
  const { text } = formatted(call, argument(call, 1), variadic(call, 2), PRINTK_SIZE);
  call.hv.machine.console.print(text, call.runner.context.cpu);
  return 0n;
}

function panic(call: SimulatedCall): never {
  const { text } = formatted(call, argument(call, 0), variadic(call, 1), PANIC_SIZE);
  throw new HostStop({ kind: 'panic', text });
}

/** vsnprintf and its relatives: writes as much as fits into the buffer, and a NUL. `counted` is what they return. */
function print(call: SimulatedCall, args: ArgumentSource, counted: 'wanted' | 'written'): bigint {
  const [buffer, size, format] = [argument(call, 0), argument(call, 1), argument(call, 2)];
  // vsnprintf treats the size as an int and refuses negative ones.
  const room = Number(BigInt.asIntN(32, size));
  if (room < 0 || size > 0x7fff_ffffn) return 0n;
  const { text, length } = formatted(call, format, args, room);
  if (room > 0) call.hv.machine.space.write(buffer, fromLatin1(`${text}\0`));
  if (counted === 'wanted') return BigInt(length);
  return BigInt(Math.min(length, Math.max(0, room - 1)));
}

/** show_execution_state, called in a trap handler: the registers are in memory. */
function showExecutionState(call: SimulatedCall): bigint {
  const { hv, runner } = call;
  const state = { ...trappedState(hv, runner), registers: registersInMemory(hv, argument(call, 0)) };
  for (const line of executionState(hv, state)) hv.machine.console.printk('DEFAULT', line);
  return 0n;
}

const console = simulatedBecause('the console is hardware, and its lines belong in the transcript');
const formatting = simulatedBecause('names of symbols and domains come from lists that are filled at boot');

export const SIMULATED_CONSOLE: readonly SimulatedFunction[] = [
  console(['printk'], printk),
  console(['guest_printk'], guestPrintk),
  console(['panic'], panic),
  console(['show_execution_state', 'dump_execstate'], showExecutionState),
  console(['printk_ratelimit', '__printk_ratelimit'], ({ hv }) => (hv.machine.console.passRateLimit() ? 1n : 0n)),
  console(['console_start_sync'], ({ hv }) => {
    hv.machine.console.startSync();
    return undefined;
  }),
  console(['console_end_sync'], ({ hv }) => {
    hv.machine.console.endSync();
    return undefined;
  }),
  console(
    [
      'console_start_log_everything',
      'console_end_log_everything',
      'console_force_unlock',
      'console_lock_recursive_irqsave',
      'console_unlock_recursive_irqrestore',
      'serial_start_log_everything',
      'serial_end_log_everything',
    ],
    () => 0n,
  ),
  formatting(['snprintf'], (call) => print(call, variadic(call, 3), 'wanted')),
  formatting(['scnprintf'], (call) => print(call, variadic(call, 3), 'written')),
  formatting(['vsnprintf'], (call) => print(call, vaList(call, 3), 'wanted')),
  formatting(['vscnprintf'], (call) => print(call, vaList(call, 3), 'written')),
];

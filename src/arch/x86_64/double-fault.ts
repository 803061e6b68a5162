import { type Address, addOffset, pointerText } from '../../base/index.ts';
import { type AddressRange, PAGE_SIZE } from '../../xen/index.ts';
import type { DoubleFault } from '../execution.ts';

const TITLE = '*** DOUBLE FAULT ***';

/** Xen reports an overflow if less than this is left, in bytes. */
const NEARLY_FULL = 512;

/** Bytes from tss.rsp0 to the end of the stack. */
const RSP0_FROM_END = 0x60;

/** Returns the lines of show_execution_state() above the stack, then those of show_stack_overflow(). */
function screen(state: readonly string[], sp: Address, { start, end }: AddressRange): string[] {
  const stack = state.findIndex((line) => line.startsWith('Xen stack trace from'));
  const trace = state.indexOf('Xen call trace:');
  const range = `Valid stack range: ${pointerText(start)}-${pointerText(end)}`;
  const rsp0 = addOffset(end, -RSP0_FROM_END);
  const lines = [TITLE, ...state.slice(0, stack), `${range}, sp=${pointerText(sp)}, tss.rsp0=${pointerText(rsp0)}`];
  if (sp > addOffset(start, NEARLY_FULL) || sp < addOffset(start, -PAGE_SIZE)) {
    return [...lines, 'No stack overflow detected. Skipping stack trace.'];
  }
  const from = sp < start ? start : sp;
  const title = `Xen stack overflow (dumping trace ${pointerText(from)}-${pointerText(end)}):`;
  // Skip the line of the instruction pointer itself.
  return [...lines, title, ...state.slice(trace + 1).filter((line) => !/^ {3}\[<[0-9a-f]+>\] R /.test(line))];
}

/** do_double_fault. Source: xen/arch/x86/x86_64/traps.c. */
export const DOUBLE_FAULT: DoubleFault = { screen, text: 'DOUBLE FAULT -- system shutdown' };

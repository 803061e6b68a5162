import { type Address, addOffset, pointerText } from '../../base/index.ts';
import { type AddressRange, PAGE_SIZE } from '../../xen/index.ts';
import type { DoubleFault } from '../execution.ts';

const TITLE = '*** DOUBLE FAULT ***';

/** An overflow is one that happens with less than this left, in bytes. */
const NEARLY_FULL = 512;

/** From the stack's end to where the hypervisor enters it: behind the registers that an interrupt of a guest leaves. */
const RSP0_FROM_END = 0x60;

/** What show_execution_state() has above the stack, then show_stack_overflow(). */
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
  // The instruction pointer's own line is not part of it.
  return [...lines, title, ...state.slice(trace + 1).filter((line) => !/^ {3}\[<[0-9a-f]+>\] R /.test(line))];
}

/** do_double_fault. Source: xen/arch/x86/x86_64/traps.c. */
export const DOUBLE_FAULT: DoubleFault = { screen, text: 'DOUBLE FAULT -- system shutdown' };

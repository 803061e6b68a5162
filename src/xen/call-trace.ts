import { type Address, addOffset, pointerText, viewOf } from '../base/index.ts';
import { stackBounds } from './cpu-info.ts';
import type { ExecutionScreen, ExecutionState } from './cpu-state.ts';

/** Distance from the saved rbp to the saved rip in an exception frame: offsets in `struct cpu_user_regs`, the same in all releases. */
const RIP_FROM_RBP = 128 - 32;

/** Thrown at an unreadable stack word, to end the trace. */
class StackFault {
  readonly address: Address;

  constructor(address: Address) {
    this.address = address;
  }
}

/**
 * Returns the call trace and the empty line after it. Each line says where it comes from: `R` is RIP, `F` a frame, `S` a stack word
 * that looks like code. Releases up to 4.12 omit the letter.
 *
 * Source: xen/arch/x86/traps.c, show_trace and _show_trace.
 */
export function callTrace(state: ExecutionState): ExecutionScreen {
  const lines = ['Xen call trace:'];
  try {
    if (state.release.x86State.traceLetters) showTrace(state, lines);
    else showOldTrace(state, lines);
    return { lines };
  } catch (error) {
    if (error instanceof StackFault) return { lines, fault: error.address };
    throw error;
  }
}

function word(state: ExecutionState, address: Address): bigint {
  const bytes = state.read(address, 8);
  if (bytes === undefined) throw new StackFault(address);
  return viewOf(bytes).getBigUint64(0, true);
}

function entry(state: ExecutionState, address: Address, letter: 'R' | 'F' | 'S'): string {
  const mark = state.release.x86State.traceLetters ? `${letter} ` : '';
  return `   [<${pointerText(address)}>] ${mark}${state.symbolText(address, true) ?? pointerText(address)}`;
}

/** Shows RIP if it looks like code, or if nothing does; then the top of the stack if it looks like code, or if RIP does not. */
function showTrace(state: ExecutionState, lines: string[]): void {
  const { isText, read, register } = state;
  const rip = register('rip');
  const rsp = register('rsp');
  const top = read(rsp, 8);
  // An unreadable word counts as 0.
  const first = top === undefined ? 0n : viewOf(top).getBigUint64(0, true);
  if (isText(rip) || !isText(first)) lines.push(entry(state, rip, 'R'));
  if (top === undefined) {
    lines.push('   [Fault on access]');
    return;
  }
  let from = rsp;
  if (!isText(rip) || isText(first)) {
    lines.push(entry(state, first, 'S'));
    from = addOffset(rsp, 8);
  }
  showFrames(state, from, lines);
  lines.push('');
}

/** Up to 4.12: shows only one of the two. */
function showOldTrace(state: ExecutionState, lines: string[]): void {
  const { isText, register } = state;
  const rip = register('rip');
  let from = register('rsp');
  if (isText(rip) || !isText(word(state, from))) lines.push(entry(state, rip, 'R'));
  else {
    lines.push(entry(state, word(state, from), 'S'));
    from = addOffset(from, 8);
  }
  showFrames(state, from, lines);
  lines.push('');
}

/** Shows the lines after the first, from frames or from every word that looks like a return address. */
function showFrames(state: ExecutionState, from: Address, lines: string[]): void {
  const bottom = stackBounds(from, state.release, state.build.debug).trace;
  if (state.build.framePointer) followFrames(state, from, bottom, lines);
  else scanStack(state, from, bottom, lines);
}

function scanStack(state: ExecutionState, from: Address, bottom: Address, lines: string[]): void {
  for (let at = from; at <= bottom; at = addOffset(at, 8)) {
    const address = word(state, at);
    if (state.isText(address)) lines.push(entry(state, address, 'S'));
  }
}

function followFrames(state: ExecutionState, from: Address, high: Address, lines: string[]): void {
  let low = from;
  // Each frame is above the one before, so the stack's size bounds the loop.
  for (let next = state.register('rbp'); ; ) {
    const outside = next < low || next >= high;
    // The inverted pointer marks an exception frame.
    const frame = outside ? BigInt.asUintN(64, ~next) : next;
    if (outside && (frame < low || frame >= high)) return;
    next = word(state, frame);
    const address = word(state, addOffset(frame, outside ? RIP_FROM_RBP : 8));
    lines.push(entry(state, address, 'F'));
    low = addOffset(frame, 16);
  }
}

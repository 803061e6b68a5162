import { type Address, addOffset, pointerText, viewOf } from '../base/index.ts';
import { callTrace } from './call-trace.ts';
import { stackBounds } from './cpu-info.ts';
import type { ExecutionScreen, ExecutionState } from './cpu-state.ts';
import type { XenArch } from './virtual-layout.ts';

/**
 * What show_execution_state() prints of the hypervisor's own state on x86-64: banner, registers, code, stack and call trace.
 *
 * Sources: xen/arch/x86/traps.c and x86_64/traps.c (one file since 4.21), show_registers, show_code, show_stack. Compared with
 * screens of a real 4.17.7. No release up to 4.22 prints ssp or pkru.
 */

const WORDS_PER_LINE = 4;
const STACK_LINES = 20;
/** Bytes of code before RIP, and from RIP on. */
const CODE_BEFORE = 8;
const CODE_FROM = 16;

/** Returns the screen of {@link ExecutionState}. Its last line is the empty one after the call trace. */
export function executionState(state: ExecutionState): ExecutionScreen {
  const lines = [...showRegisters(state), ...showCode(state)];
  const stack = showStack(state);
  lines.push(...stack.lines);
  if (stack.fault !== undefined) return { lines, fault: stack.fault };
  const trace = callTrace(state);
  lines.push(...trace.lines);
  return trace.fault === undefined ? { lines } : { lines, fault: trace.fault };
}

/** print_xen_info(). */
export function banner({ release, version, build, tainted }: ExecutionState, arch: XenArch): string {
  const debug = `debug=${build.debug ? 'y' : 'n'}`;
  const coverage = build.coverage === undefined ? '' : `${build.coverage}=y`;
  // Without xen_build_info(), gcov's part is always there, possibly empty, between two blanks.
  const info = release.buildInfo
    ? [debug, coverage, build.ubsan ? 'ubsan=y' : ''].filter((part) => part !== '').join(' ')
    : `${debug} ${coverage === '' ? '' : 'gcov=y'}`;
  return `----[ Xen-${version}  ${arch}  ${info}  ${tainted} ]----`;
}

/** Registers by row of the screen, with their names there. */
const ROWS = [
  ['rax', 'rbx', 'rcx'],
  ['rdx', 'rsi', 'rdi'],
  ['rbp', 'rsp', 'r8'],
  ['r9', 'r10', 'r11'],
  ['r12', 'r13', 'r14'],
  ['r15', 'cr0', 'cr4'],
  ['cr3', 'cr2'],
  ['fsb', 'gsb', 'gss'],
];
const SELECTORS = ['ds', 'es', 'fs', 'gs', 'ss', 'cs'];

/** Formats an address like `%pS` or `%ps`: a symbol, or the plain address if there is none. */
const named = (state: ExecutionState, address: Address, withOffset: boolean): string =>
  state.symbolText(address, withOffset) ?? pointerText(address);

function showRegisters(state: ExecutionState): string[] {
  const { register, vcpu } = state;
  const long = (name: string): string => pointerText(BigInt.asUintN(64, register(name)));
  const selector = (name: string): string => BigInt.asUintN(16, register(name)).toString(16).padStart(4, '0');
  return [
    banner(state, 'x86_64'),
    `CPU:    ${state.cpu}`,
    `RIP:    ${selector('cs')}:[<${long('rip')}>] ${named(state, register('rip'), true)}`,
    `RFLAGS: ${long('rflags')}   CONTEXT: hypervisor${vcpu === undefined ? '' : ` (${vcpu})`}`,
    ...ROWS.map((row) => row.map((name) => `${`${name}:`.padEnd(4)} ${long(name)}`).join('   ')),
    SELECTORS.map((name) => `${name}: ${selector(name)}`).join('   '),
    ...lastBranch(state),
  ];
}

function lastBranch(state: ExecutionState): string[] {
  const { ler, release } = state;
  if (ler === undefined) return [];
  if (!release.x86State.lerSymbols) return [`ler: ${pointerText(ler.from)} -> ${pointerText(ler.to)}`];
  // The upper bits may contain something else; the symbol is that of the address without them.
  const place = (address: Address): string =>
    `${pointerText(address)} [${named(state, BigInt.asUintN(64, BigInt.asIntN(48, address)), false)}]`;
  return [`ler: from ${place(ler.from)}`, `       to ${place(ler.to)}`];
}

/** Shows the bytes around RIP. From the first unreadable one, in either direction, it prints `--`. */
function showCode(state: ExecutionState): string[] {
  const { read, register } = state;
  const rip = register('rip');
  const from = run(CODE_FROM, (i) => read(addOffset(rip, i), 1));
  const before = run(CODE_BEFORE, (i) => read(addOffset(rip, -1 - i), 1)).reverse();
  const faulted = [...before, ...from].includes('--');
  const [at, ...after] = from;
  return [
    `Xen code around <${pointerText(rip)}> (${named(state, rip, false)})${faulted ? ' [fault on access]' : ''}:`,
    ` ${[...before, `<${at}>`, ...after].join(' ')}`,
  ];
}

/** Reads `count` bytes one by one; stops at a fault, as a copy does. */
function run(count: number, byteAt: (index: number) => Uint8Array | undefined): string[] {
  const found: string[] = [];
  for (let i = 0; i < count; i++) {
    const byte = byteAt(i)?.[0];
    if (byte === undefined) break;
    found.push(byte.toString(16).padStart(2, '0'));
  }
  return [...found, ...new Array<string>(count - found.length).fill('--')];
}

/** Shows the words from rsp to the end of the stack, or to the limit of lines. */
function showStack(state: ExecutionState): ExecutionScreen {
  const { build, read, register, release, stackLines = STACK_LINES } = state;
  const rsp = register('rsp');
  const { dump } = stackBounds(rsp, release, build.debug);
  const words: string[] = [];
  let fault: Address | undefined;
  for (let at = rsp; words.length < stackLines * WORDS_PER_LINE && at <= dump; at = addOffset(at, 8)) {
    const bytes = read(at, 8);
    if (bytes === undefined) {
      fault = at;
      break;
    }
    words.push(pointerText(viewOf(bytes).getBigUint64(0, true)));
  }
  const lines = [`Xen stack trace from rsp=${pointerText(rsp)}:`];
  for (let i = 0; i < words.length; i += WORDS_PER_LINE) {
    lines.push(`   ${words.slice(i, i + WORDS_PER_LINE).join(' ')}`);
  }
  if (fault !== undefined) return { lines, fault };
  if (words.length === 0) lines.push('  Stack empty.');
  return { lines };
}

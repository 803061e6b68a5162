import { type Address, addOffset, pointerText, viewOf } from '../base/index.ts';
import type { ExecutionScreen, ExecutionState } from './cpu-state.ts';
import { banner } from './execution-state.ts';

/**
 * What show_execution_state() prints of the hypervisor's own state on arm64 and arm32: banner, registers, stack and call trace.
 * Unknown system registers print as `[...]`.
 *
 * Source: xen/arch/arm/traps.c, _show_registers, show_registers_64, show_registers_32, show_stack, show_trace.
 */

/** Differences between the two screens. */
interface ArmScreen {
  readonly arch: 'arm64' | 'arm32';
  readonly pointerSize: 4 | 8;
  readonly stackLines: number;
  readonly wordsPerLine: number;
  /** Distance from the frame pointer to the saved one: STACK_FRAME_BASE. */
  readonly frameBase: number;
  /** sizeof(struct cpu_info): the frames end there. */
  readonly cpuInfoSize: number;
  /** PSR_MODE_EL2h or PSR_MODE_HYP, and its name on the screen. */
  readonly mode: bigint;
  readonly modeText: string;
}

/** sizeof(struct cpu_info) on arm64: 336 bytes of registers; elr, flags. Source: asm-arm/current.h. */
export const ARM64_CPU_INFO_SIZE = 352;
/** The same on arm32: 160 bytes of registers. */
export const ARM32_CPU_INFO_SIZE = 168;

const ARM64: ArmScreen = {
  arch: 'arm64',
  pointerSize: 8,
  stackLines: 40,
  wordsPerLine: 4,
  frameBase: 0,
  cpuInfoSize: ARM64_CPU_INFO_SIZE,
  mode: 0x9n,
  modeText: '64-bit EL2h (Hypervisor, handler)',
};

const ARM32: ArmScreen = {
  arch: 'arm32',
  pointerSize: 4,
  stackLines: 20,
  wordsPerLine: 8,
  frameBase: -4,
  cpuInfoSize: ARM32_CPU_INFO_SIZE,
  mode: 0x1an,
  modeText: 'Hypervisor',
};

const MODE_MASK = 0x1fn;

/** STACK_SIZE: 8 pages, in all releases. Source: asm-arm/config.h. */
export const ARM_STACK_SIZE = 0x8000;

/** Returns the screen on arm64. Its last line is the empty one after the call trace. */
export const arm64ExecutionState = (state: ExecutionState): ExecutionScreen =>
  screen(state, ARM64, show64(state, ARM64));

/** Returns the screen on arm32. */
export const arm32ExecutionState = (state: ExecutionState): ExecutionScreen =>
  screen(state, ARM32, show32(state, ARM32));

function screen(state: ExecutionState, rules: ArmScreen, registers: readonly string[]): ExecutionScreen {
  const lines = [banner(state, rules.arch), `CPU:    ${state.cpu}`, ...registers, ...systemRegisters(state, rules)];
  const stack = showStack(state, rules);
  lines.push(...stack.lines);
  if (stack.fault !== undefined) return { lines, fault: stack.fault };
  const trace = showTrace(state, rules);
  lines.push(...trace.lines);
  return trace.fault === undefined ? { lines } : { lines, fault: trace.fault };
}

const place = (state: ExecutionState, rules: ArmScreen, address: Address): string =>
  state.symbolText(address, true) ?? pointerText(address, rules.pointerSize);

/** PRIregister. Up to 4.15, arm64 also prints most of them as 32 bits. */
const systemText = ({ release }: ExecutionState, rules: ArmScreen, value: bigint): string =>
  pointerText(value, rules.pointerSize === 8 && release.armWideRegisters ? 8 : 4);

const modeOf = (state: ExecutionState, rules: ArmScreen): string => {
  const cpsr = (state.register('cpsr') & ~MODE_MASK) | rules.mode;
  return `CPSR:   ${systemText(state, rules, cpsr)} MODE:${rules.modeText}`;
};

function show64(state: ExecutionState, rules: ArmScreen): string[] {
  const long = (name: string): string => pointerText(state.register(name));
  const rows = Array.from({ length: 9 }, (_, row) => [0, 1, 2].map((column) => `x${3 * row + column}`));
  rows.push(['x27', 'x28', 'fp']);
  const line = (row: readonly string[]): string =>
    row.map((name, column) => `${name.toUpperCase().padStart(column === 0 ? 7 : 3)}: ${long(name)}`).join(' ');
  return [
    `PC:     ${long('pc')} ${place(state, rules, state.register('pc'))}`,
    `LR:     ${long('lr')}`,
    `SP:     ${long('sp')}`,
    modeOf(state, rules),
    ...rows.map(line),
    '',
  ];
}

function show32(state: ExecutionState, rules: ArmScreen): string[] {
  const word = (name: string): string => pointerText(BigInt.asUintN(32, state.register(name)), 4);
  const row = (...names: readonly (readonly [label: string, register: string])[]): string =>
    `     ${names.map(([label, register]) => `${`${label}:`.padEnd(4)}${word(register)}`).join(' ')}`;
  return [
    `PC:     ${word('pc')} ${place(state, rules, state.register('pc'))}`,
    modeOf(state, rules),
    row(['R0', 'r0'], ['R1', 'r1'], ['R2', 'r2'], ['R3', 'r3']),
    row(['R4', 'r4'], ['R5', 'r5'], ['R6', 'r6'], ['R7', 'r7']),
    row(['R8', 'r8'], ['R9', 'r9'], ['R10', 'r10'], ['R11', 'fp'], ['R12', 'r12']),
    `HYP: SP: ${word('sp')} LR: ${word('lr')}`,
    '',
  ];
}

function systemRegisters(state: ExecutionState, rules: ArmScreen): string[] {
  const value = (name: string, text: (value: bigint) => string): string => {
    const known = state.systemRegisters?.[name];
    return `${name.padStart(10)}: ${known === undefined ? '[...]' : text(known)}`;
  };
  const narrow = (name: string): string => value(name, (known) => systemText(state, rules, known));
  const register = (name: string): string => value(name, (known) => pointerText(known, rules.pointerSize));
  const wide = (name: string): string => value(name, (known) => pointerText(known));
  const addresses = rules.pointerSize === 4 ? [register('HDFAR'), register('HIFAR')] : [wide('FAR_EL2')];
  return [
    narrow('VTCR_EL2'),
    wide('VTTBR_EL2'),
    '',
    narrow('SCTLR_EL2'),
    register('HCR_EL2'),
    wide('TTBR0_EL2'),
    '',
    narrow('ESR_EL2'),
    register('HPFAR_EL2'),
    ...addresses,
    '',
  ];
}

function word(state: ExecutionState, { pointerSize }: ArmScreen, address: Address): bigint | undefined {
  const bytes = state.read(address, pointerSize);
  if (bytes === undefined) return undefined;
  return pointerSize === 8 ? viewOf(bytes).getBigUint64(0, true) : BigInt(viewOf(bytes).getUint32(0, true));
}

/** show_stack(). Stops at the end of the stack, a multiple of its size. */
function showStack(state: ExecutionState, rules: ArmScreen): ExecutionScreen {
  const { pointerSize, wordsPerLine } = rules;
  const sp = state.register('sp');
  const title = `Xen stack trace from sp=${pointerText(sp, pointerSize)}:`;
  const words: string[] = [];
  const endMask = BigInt(ARM_STACK_SIZE - pointerSize);
  const lines = (): string[] => {
    const rows: string[] = [];
    for (let i = 0; i < words.length; i += wordsPerLine) rows.push(`   ${words.slice(i, i + wordsPerLine).join(' ')}`);
    return [title, ...(rows.length === 0 ? ['  Stack empty.'] : rows)];
  };
  for (let i = 0; i < (state.stackLines ?? rules.stackLines) * wordsPerLine; i++) {
    const at = addOffset(sp, i * pointerSize);
    if ((at & endMask) === 0n) break;
    const value = word(state, rules, at);
    if (value === undefined) return { lines: lines(), fault: at };
    words.push(pointerText(value, pointerSize));
  }
  return { lines: lines() };
}

/** show_trace(): PC, LR, and the frames from the frame pointer upwards, while each is above the one before. */
function showTrace(state: ExecutionState, rules: ArmScreen): ExecutionScreen {
  const { pointerSize, frameBase, cpuInfoSize } = rules;
  const entry = (address: Address): string =>
    `   [<${pointerText(address, pointerSize)}>] ${place(state, rules, address)}`;
  const lines = ['Xen call trace:', `${entry(state.register('pc'))} (PC)`, `${entry(state.register('lr'))} (LR)`];
  let low = state.register('sp');
  const high = addOffset(low & ~BigInt(ARM_STACK_SIZE - 1), ARM_STACK_SIZE - cpuInfoSize);
  let next = state.register('fp');
  while (next >= low && next < high) {
    const frame = addOffset(next, frameBase);
    const [saved, address] = [word(state, rules, frame), word(state, rules, addOffset(frame, pointerSize))];
    if (saved === undefined || address === undefined) return { lines, fault: frame };
    lines.push(entry(address));
    low = addOffset(frame, pointerSize);
    next = saved;
  }
  return { lines: [...lines, ''] };
}

import { type Address, addOffset, pointerText } from '../base/index.ts';
import { MemoryFault } from '../machine/index.ts';
import { type AddressRange, type ExecutionState, executionState as screenOf, symbolText } from '../xen/index.ts';
import { callFrames, framePlace } from './call-frames.ts';
import type { Hypervisor } from './hypervisor.ts';
import { CR4 } from './hypervisor-stacks.ts';
import { symbolPlace } from './symbol-text.ts';
import { isActiveKernelText } from './trap-tables.ts';
import type { TrappedState } from './traps.ts';

/**
 * What show_execution_state() prints of code that is being run: its registers and its own stack are exact. The functions of the hypervisor that
 * have called it are not run here, so that they are not on the stack: they follow behind its call trace, with what is known of them.
 */
export function executionState(hv: Hypervisor, trapped: TrappedState): string[] {
  const ours = `   [<${pointerText(hv.arch.execution.layout.returnTo)}>]`;
  const lines = screenOf(stateOf(hv, trapped)).lines.filter((line) => !line.startsWith(ours));
  const last = lines.pop() ?? '';
  const letters = hv.release.x86State.traceLetters;
  const letter = hv.options.debugBuild || hv.image.configured('CONFIG_FRAME_POINTER') ? 'F ' : 'S ';
  const callers = callFrames(hv).map((frame) => `   [<?>] ${letters ? letter : ''}${framePlace(frame)}`);
  return [...lines, ...callers, last];
}

/** What do_double_fault prints above its panic. Source: xen/arch/x86/x86_64/traps.c, show_stack_overflow. */
export function doubleFault(hv: Hypervisor, { start, end }: AddressRange): string[] {
  const { trapped } = hv;
  if (trapped === null) return [DOUBLE_FAULT];
  const state = executionState(hv, { ...trapped, vcpu: undefined });
  const stack = state.findIndex((line) => line.startsWith('Xen stack trace from'));
  const trace = state.indexOf('Xen call trace:');
  const sp = trapped.registers.get('rsp') ?? 0n;
  const range = `Valid stack range: ${pointerText(start)}-${pointerText(end)}`;
  // What the hypervisor enters its stack at: behind the registers that an interrupt of a guest leaves.
  const rsp0 = addOffset(end, -RSP0_FROM_END);
  const lines = [
    DOUBLE_FAULT,
    ...state.slice(0, stack),
    `${range}, sp=${pointerText(sp)}, tss.rsp0=${pointerText(rsp0)}`,
  ];
  if (sp > addOffset(start, NEARLY_FULL) || sp < addOffset(start, -PAGE)) {
    return [...lines, 'No stack overflow detected. Skipping stack trace.'];
  }
  const from = sp < start ? start : sp;
  const title = `Xen stack overflow (dumping trace ${pointerText(from)}-${pointerText(end)}):`;
  // The instruction pointer's own line is not part of it.
  return [...lines, title, ...state.slice(trace + 1).filter((line) => !/^ {3}\[<[0-9a-f]+>\] R /.test(line))];
}

const DOUBLE_FAULT = '*** DOUBLE FAULT ***';
const PAGE = 4096;
const NEARLY_FULL = 512;
const RSP0_FROM_END = 0x60;

/** Selectors and control registers that do not change while the hypervisor runs. Source: xen/arch/x86/include/asm/config.h. */
const FIXED: Readonly<Record<string, bigint>> = {
  cs: 0xe008n,
  ss: 0xe010n,
  cr0: 0x8005_003bn,
  cr4: CR4,
};

function stateOf(hv: Hypervisor, { registers, vcpu, cpu, faultAddress }: TrappedState): ExecutionState {
  const { space } = hv.machine;
  const { release, options, image } = hv;
  const tables = BigInt(space.rootFrame) * BigInt(PAGE);
  const values: Readonly<Record<string, bigint>> = { ...FIXED, cr2: faultAddress ?? 0n, cr3: tables };
  return {
    release,
    version: image.release?.release === release ? (image.version ?? release.version) : release.version,
    build: {
      debug: options.debugBuild,
      framePointer: options.debugBuild || image.configured('CONFIG_FRAME_POINTER'),
    },
    tainted: 'Not tainted',
    cpu,
    vcpu,
    register: (name) => registers.get(name) ?? values[name] ?? 0n,
    read: (address, length) => readOrNothing(hv, address, length),
    symbolText: (address, withOffset) => {
      const place = symbolPlace(hv, address);
      return place === undefined ? undefined : symbolText(place, withOffset);
    },
    // Code returns to our side where on a host it returns to the function that called it.
    isText: (address) => address === hv.arch.execution.layout.returnTo || isActiveKernelText(hv, address),
  };
}

function readOrNothing({ machine }: Hypervisor, address: Address, length: number): Uint8Array | undefined {
  try {
    return machine.space.read(address, length);
  } catch (thrown) {
    if (thrown instanceof MemoryFault) return undefined;
    throw thrown;
  }
}

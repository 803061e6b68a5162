import { type Address, addOffset, pointerText } from '../base/index.ts';
import { MemoryFault } from '../machine/index.ts';
import { type AddressRange, type ExecutionState, symbolText } from '../xen/index.ts';
import { callFrames, framePlace } from './call-frames.ts';
import type { Hypervisor } from './hypervisor.ts';
import { symbolPlace } from './symbol-text.ts';
import { isActiveKernelText } from './trap-tables.ts';
import type { TrappedState } from './traps.ts';

/**
 * What show_execution_state() prints of code that is being run: its registers and its own stack are exact. The functions of the hypervisor that
 * have called it are not run here, so that they are not on the stack: they follow behind its call trace, with what is known of them.
 */
export function executionState(hv: Hypervisor, trapped: TrappedState): string[] {
  const { layout, showExecutionState, callerMark } = hv.arch.execution;
  const ours = `   [<${pointerText(layout.returnTo, hv.arch.elf.pointerSize)}>]`;
  const lines = showExecutionState(stateOf(hv, trapped)).lines.filter((line) => !line.startsWith(ours));
  const last = lines.pop() ?? '';
  const mark = callerMark(hv.release, hv.options.debugBuild || hv.image.configured('CONFIG_FRAME_POINTER'));
  const callers = callFrames(hv).map((frame) => `   [<?>] ${mark}${framePlace(frame)}`);
  return [...lines, ...callers, last];
}

/** What do_double_fault prints above its panic. Source: xen/arch/x86/x86_64/traps.c, show_stack_overflow. */
export function doubleFault(hv: Hypervisor, { start, end }: AddressRange): string[] {
  const { trapped } = hv;
  if (trapped === null) return [DOUBLE_FAULT];
  const state = executionState(hv, { ...trapped, vcpu: undefined });
  const stack = state.findIndex((line) => line.startsWith('Xen stack trace from'));
  const trace = state.indexOf('Xen call trace:');
  const sp = trapped.registers.get(hv.arch.execution.calls.stackPointer) ?? 0n;
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

function stateOf(hv: Hypervisor, { registers, vcpu, cpu, faultAddress, syndrome }: TrappedState): ExecutionState {
  const { space } = hv.machine;
  const { release, options, image, arch } = hv;
  const tables = BigInt(space.rootFrame) * BigInt(PAGE);
  const isFetch = syndrome !== undefined && arch.pageTables.accessOf(syndrome).fetch;
  const { fixedRegisters } = arch.execution;
  const values: Readonly<Record<string, bigint>> = { ...fixedRegisters, cr2: faultAddress ?? 0n, cr3: tables };
  return {
    release,
    version: image.release?.release === release ? (image.version ?? release.version) : release.version,
    build: {
      debug: options.debugBuild,
      framePointer: options.debugBuild || image.configured('CONFIG_FRAME_POINTER'),
    },
    tainted: arch.panic.tainted(options.processor),
    cpu,
    vcpu,
    register: (name) => registers.get(name) ?? values[name] ?? 0n,
    systemRegisters: {
      TTBR0_EL2: tables,
      ...(syndrome !== undefined && { ESR_EL2: BigInt(syndrome) }),
      ...(faultAddress !== undefined && { FAR_EL2: faultAddress, [isFetch ? 'HIFAR' : 'HDFAR']: faultAddress }),
    },
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

import { type Address, pointerText } from '../base/index.ts';
import { MemoryFault } from '../machine/index.ts';
import { type ExecutionState, PAGE_SIZE, symbolText } from '../xen/index.ts';
import { callFrames, framePlace } from './call-frames.ts';
import type { Hypervisor } from './hypervisor.ts';
import { symbolPlace } from './symbol-text.ts';
import { isActiveKernelText } from './trap-tables.ts';
import type { TrappedState } from './trapped-state.ts';

/**
 * Returns what show_execution_state() prints for running code. Registers and the code's own stack are exact. The hypervisor functions that
 * called it are simulated and not on the stack, so they follow its call trace with what is known of them.
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

function stateOf(hv: Hypervisor, { registers, vcpu, cpu, faultAddress, syndrome }: TrappedState): ExecutionState {
  const { release, options, image, arch, machine } = hv;
  const systemRegisters = arch.execution.systemRegisters({
    tables: BigInt(machine.space.rootFrame) * BigInt(PAGE_SIZE),
    ...(syndrome !== undefined && { syndrome }),
    ...(faultAddress !== undefined && {
      fault: {
        address: faultAddress,
        fetch: syndrome !== undefined && arch.pageTables.accessOf(syndrome).fetch,
      },
    }),
  });
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
    register: (name) => registers.get(name) ?? systemRegisters[name] ?? 0n,
    systemRegisters,
    read: (address, length) => readOrNothing(hv, address, length),
    symbolText: (address, withOffset) => {
      const place = symbolPlace(hv, address);
      return place === undefined ? undefined : symbolText(place, withOffset);
    },
    // Code returns to this address in place of its caller on a real host.
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

import { type Address, addOffset, setWord } from '../../base/index.ts';
import type { Cpu } from '../cpu.ts';
import type { CurrentCpu, CurrentHost } from '../execution.ts';

/** What the hypervisor's own functions have on the stack when they call a hook, in bytes: as much as on x86-64. */
const CALLERS = 256;

const CPU_ID = 'per_cpu__cpu_id';
const CURR_VCPU = 'per_cpu__curr_vcpu';

export const CURRENT_VARIABLES: readonly string[] = [CPU_ID, CURR_VCPU];

/**
 * Per-CPU variables `cpu_id` and `curr_vcpu`: a register of the processor has what is added to their addresses. At the end of the stack there
 * is `struct cpu_info`, of which code reads what a guest has left there.
 * Sources: asm-arm/current.h, asm-arm/percpu.h.
 *
 * @param register TPIDR_EL2, or HTPIDR
 * @param cpuInfoSize sizeof(struct cpu_info)
 */
export const setCurrentBy =
  (register: string, pointerSize: 4 | 8, cpuInfoSize: number) =>
  (host: CurrentHost, cpu: Cpu, current: CurrentCpu): Address => {
    const set = (name: string, size: 4 | 8, value: bigint): void => {
      const variable = host.symbol(name);
      if (variable === 0n) return;
      const bytes = new Uint8Array(size);
      setWord(new DataView(bytes.buffer), 0, size, value);
      host.write(BigInt.asUintN(pointerSize * 8, variable + current.perCpuOffset), bytes);
    };
    cpu.set(register, BigInt.asUintN(pointerSize * 8, current.perCpuOffset));
    set(CPU_ID, 4, BigInt(current.processorId));
    set(CURR_VCPU, pointerSize, current.vcpu);
    return addOffset(current.stackEnd, -cpuInfoSize - CALLERS);
  };

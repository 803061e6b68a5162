import { type Address, addOffset, setWord } from '../../base/index.ts';
import type { Cpu } from '../cpu.ts';
import type { CurrentCpu, CurrentHost } from '../execution.ts';

/** Stack that the hypervisor's own functions use when they call a hook, in bytes: the same as on x86-64. */
const CALLERS = 256;

const CPU_ID = 'per_cpu__cpu_id';
const CURR_VCPU = 'per_cpu__curr_vcpu';

export const CURRENT_VARIABLES: readonly string[] = [CPU_ID, CURR_VCPU];

/**
 * Sets the per-CPU variables `cpu_id` and `curr_vcpu`. A system register holds the offset to add to their addresses. The end of the stack
 * holds `struct cpu_info`, where code reads a guest's registers.
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

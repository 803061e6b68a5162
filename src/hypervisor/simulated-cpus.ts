import { addOffset } from '../base/index.ts';
import { argument, type SimulatedCall, type SimulatedFunction } from './simulated-function.ts';

/** Functions for other CPUs, or for later. They do nothing: no other CPU runs code, and nothing is deferred. */

const nothing = (reason: string, ...names: string[]): SimulatedFunction => ({ names, reason, simulate: () => 0n });

/** Longest CPU mask in bytes: NR_CPUS is at most 16383. */
const MOST_MASK = 2048;

/**
 * on_selected_cpus(mask, func, info, wait): calls the function at once if the mask contains the current CPU.
 * Source: xen/common/smp.c.
 */
function onSelectedCpus(call: SimulatedCall): bigint {
  const { runner, hv } = call;
  const { cpu } = runner.context;
  const at = Math.floor(cpu / 8);
  if (at >= MOST_MASK) return 0n;
  const selected = (hv.machine.space.readU8(addOffset(argument(call, 0), at)) >> (cpu % 8)) & 1;
  const below = runner.cpu.get(hv.arch.execution.calls.stackPointer);
  if (selected === 1) runner.callNested(argument(call, 1), [argument(call, 2)], below);
  return 0n;
}

export const SIMULATED_CPUS: readonly SimulatedFunction[] = [
  {
    names: ['on_selected_cpus'],
    reason: 'other CPUs do not run code: only the calling CPU’s part is done',
    simulate: onSelectedCpus,
  },
  nothing(
    'other CPUs do not run code: they wait or idle',
    'smp_call_function',
    'smp_send_event_check_mask',
    'smp_send_call_function_mask',
    'smp_send_state_dump',
  ),
  nothing(
    'there is only one view of memory, which is never stale',
    'flush_area_local',
    'flush_area_mask',
    'new_tlbflush_clock_period',
  ),
  nothing(
    'softirqs, tasklets and timers run in the idle loop, which runs no code here',
    'raise_softirq',
    'cpu_raise_softirq',
    'cpumask_raise_softirq',
    'process_pending_softirqs',
    'tasklet_schedule',
    'tasklet_schedule_on_cpu',
    'tasklet_kill',
    'init_timer',
    'set_timer',
    'stop_timer',
    'kill_timer',
    'migrate_timer',
  ),
  nothing('no other CPU reads RCU-protected data while code runs', 'rcu_barrier', 'call_rcu'),
  nothing('the simulated host has no watchdog', 'watchdog_disable', 'watchdog_enable'),
];

import { addOffset } from '../base/index.ts';
import { argument, type ServedCall, type ServedFunction } from './served-function.ts';

/** What concerns other CPUs, or is put off to later. Nothing of it happens: no other CPU runs code, and there is no later. */

const nothing = (reason: string, ...names: string[]): ServedFunction => ({ names, reason, serve: () => 0n });

/** Longest mask of CPUs that is looked at, in bytes: NR_CPUS is at most 16383. */
const MOST_MASK = 2048;

/**
 * on_selected_cpus(mask, func, info, wait): of the CPUs in the mask the one that code runs on carries the function out at once.
 * Source: xen/common/smp.c.
 */
function onSelectedCpus(call: ServedCall): bigint {
  const { runner, hv } = call;
  const { cpu } = runner.context;
  const at = Math.floor(cpu / 8);
  if (at >= MOST_MASK) return 0n;
  const selected = (hv.machine.space.readU8(addOffset(argument(call, 0), at)) >> (cpu % 8)) & 1;
  const below = runner.cpu.get(hv.arch.execution.calls.stackPointer);
  if (selected === 1) runner.callNested(argument(call, 1), [argument(call, 2)], below);
  return 0n;
}

export const SERVED_CPUS: readonly ServedFunction[] = [
  {
    names: ['on_selected_cpus'],
    reason: 'other CPUs do not run code: only what concerns the calling one is done',
    serve: onSelectedCpus,
  },
  nothing(
    'other CPUs do not run code: they wait, or idle',
    'smp_call_function',
    'smp_send_event_check_mask',
    'smp_send_call_function_mask',
    'smp_send_state_dump',
  ),
  nothing(
    'there is one view of memory here, which is never out of date',
    'flush_area_local',
    'flush_area_mask',
    'new_tlbflush_clock_period',
  ),
  nothing(
    'softirqs, tasklets and timers run when the hypervisor returns to its idle loop, which does not run code here',
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
  nothing('nobody reads what RCU protects while code runs', 'rcu_barrier', 'call_rcu'),
  nothing('the watchdog is none of ours', 'watchdog_disable', 'watchdog_enable'),
];

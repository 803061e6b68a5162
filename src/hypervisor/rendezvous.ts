import type { Cpu, Latency } from '../machine/index.ts';
import { ERRNO } from '../xen/index.ts';
import { doAction } from './actions.ts';
import { callHook, hookEnabled } from './hooks.ts';
import { type Hypervisor, type LivepatchWork, report, within } from './hypervisor.ts';
import { LIVEPATCH_C, Refuser } from './refusal.ts';
import { vetoingHooks } from './replace-hooks.ts';
import { HostStop } from './stop.ts';

/**
 * check_for_livepatch_work: the idle loop's rendezvous. All CPUs meet and wait with interrupts off while the master performs the scheduled
 * action. Does nothing if none is scheduled.
 * Source: xen/common/livepatch.c.
 */
export function checkForLivepatchWork(hv: Hypervisor): void {
  const { work } = hv;
  if (work === null) return;
  within(hv, 'check_for_livepatch_work', () => {
    const { payload, cmd } = work;
    const { actionHooks } = hv.release;
    const met = meet(hv, work);
    if (met) doAction(hv, work);
    hv.work = null;
    hv.machine.scheduler.clear();
    for (const cpu of hv.machine.cpus) cpu.interruptsEnabled = true;
    if (met && actionHooks) postHook(hv, work);
    hv.log.printk('INFO', 'livepatch: %s finished %s with rc=%d', payload.name, cmd.toUpperCase(), payload.rc);
  });
}

/** livepatch_spin, twice: for the CPUs to arrive, and for them to disable interrupts. One deadline covers both. */
function meet(hv: Hypervisor, work: LivepatchWork): boolean {
  const { machine } = hv;
  const [master, ...others] = machine.cpus;
  const count = others.length;
  if (count > 0) {
    const template = 'livepatch: %s: CPU%u - IPIing the other %u CPUs';
    hv.log.dprintk(LIVEPATCH_C, 'DEBUG', template, work.payload.name, master?.id ?? 0, count);
  }
  const deadline = machine.clock.now + work.timeout;
  const phase = (name: 'CPU' | 'IRQ', latency: (cpu: Cpu) => Latency, then: (cpu: Cpu) => void): boolean => {
    let semaphore = 0;
    for (const cpu of others) {
      const after = latency(cpu);
      if (after === 'never') continue;
      machine.scheduler.schedule(machine.clock.now + after, cpu, () => {
        then(cpu);
        semaphore++;
      });
    }
    if (machine.scheduler.runUntil(() => semaphore === count, deadline)) return true;
    const template = 'Timed out on semaphore in %s quiesce phase %u/%u';
    new Refuser(hv, LIVEPATCH_C, work.payload.name).error(template, name, semaphore, count);
    report(
      hv,
      'quiesce-timeout',
      `${count - semaphore} of ${count} other CPUs did not arrive within ${work.timeout} ns`,
    );
    work.payload.rc = -ERRNO.EBUSY;
    return false;
  };
  const arrived = phase(
    'CPU',
    (cpu) => cpu.arrivesAfter,
    () => {},
  );
  return (
    arrived &&
    phase(
      'IRQ',
      (cpu) => cpu.disablesIrqsAfter,
      (cpu) => {
        cpu.interruptsEnabled = false;
      },
    )
  );
}

/** Calls the hook that runs when the CPUs resume, whether or not the action succeeded. After a timeout it does not run. */
function postHook(hv: Hypervisor, { cmd, payload }: LivepatchWork): void {
  if (cmd === 'replace') {
    if (!vetoingHooks(hv, payload)) return;
    const text = `livepatch: ${payload.name}: REPLACE action is not supported on livepatches with vetoing hooks!\n`;
    throw new HostStop({ kind: 'panic', text });
  }
  const kind = cmd === 'apply' ? 'postapply' : 'postrevert';
  if (!hookEnabled(hv, payload, kind)) return;
  const template = `livepatch: %s: Calling post-${cmd} hook function with rc=%d`;
  hv.log.printk('INFO', template, payload.name, payload.rc);
  callHook(hv, payload, kind);
}

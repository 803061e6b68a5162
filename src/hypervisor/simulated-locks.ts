import type { Address } from '../base/index.ts';
import { argument, type SimulatedCall, type SimulatedFunction, simulatedBecause } from './simulated-function.ts';
import { HostStop } from './stop.ts';

/**
 * Locks. Only one CPU runs code here, so nobody releases a lock that is held: the host hangs. The simulator tracks the holders and leaves the
 * lock's memory unchanged. Source: xen/common/spinlock.c.
 */

const held = ({ runner }: SimulatedCall): Map<Address, number> => runner.heldLocks;

function setInterrupts({ hv, runner }: SimulatedCall, on: boolean): undefined {
  const { calls } = hv.arch.execution;
  runner.cpu.set(calls.flags, calls.withInterrupts(runner.cpu.get(calls.flags), on));
}

function take(call: SimulatedCall, recursive: boolean): undefined {
  if (tryToTake(call, recursive) === 1n) return;
  throw new HostStop({ kind: 'hang', why: `${call.name} never returns: the same CPU holds the lock` });
}

function tryToTake(call: SimulatedCall, recursive: boolean): bigint {
  const lock = argument(call, 0);
  const locks = held(call);
  const count = locks.get(lock) ?? 0;
  if (count > 0 && !recursive) return 0n;
  locks.set(lock, count + 1);
  return 1n;
}

function release(call: SimulatedCall): undefined {
  const lock = argument(call, 0);
  const locks = held(call);
  const count = locks.get(lock) ?? 0;
  if (count > 1) locks.set(lock, count - 1);
  else locks.delete(lock);
}

const simulated = simulatedBecause(
  'only one CPU runs code, and lock statistics and checks need state that a boot sets up',
);

export const SIMULATED_LOCKS: readonly SimulatedFunction[] = [
  simulated(['_spin_lock'], (call) => take(call, false)),
  // The callback runs while waiting for the lock, which never happens.
  simulated(['_spin_lock_cb'], (call) => take(call, false)),
  simulated(['_spin_lock_irq'], (call) => {
    setInterrupts(call, false);
    return take(call, false);
  }),
  simulated(['_spin_lock_irqsave', '__rspin_lock_irqsave', '_rspin_lock_irqsave'], (call) => {
    const { calls } = call.hv.arch.execution;
    const flags = calls.savedFlags(call.runner.cpu.get(calls.flags));
    setInterrupts(call, false);
    take(call, call.name !== '_spin_lock_irqsave');
    return flags;
  }),
  simulated(['_spin_unlock', '_spin_unlock_recursive', 'rspin_unlock', '_rspin_unlock'], release),
  simulated(['_spin_unlock_irq'], (call) => {
    release(call);
    return setInterrupts(call, true);
  }),
  simulated(['_spin_unlock_irqrestore', 'rspin_unlock_irqrestore', '_rspin_unlock_irqrestore'], (call) => {
    release(call);
    return setInterrupts(call, call.hv.arch.execution.calls.interruptsIn(argument(call, 1)));
  }),
  simulated(['_spin_is_locked', 'rspin_is_locked', '_rspin_is_locked'], (call) =>
    held(call).has(argument(call, 0)) ? 1n : 0n,
  ),
  simulated(['_spin_trylock'], (call) => tryToTake(call, false)),
  simulated(['_spin_trylock_recursive', 'rspin_trylock', '_rspin_trylock'], (call) => tryToTake(call, true)),
  simulated(['_spin_lock_recursive', 'rspin_lock', '_rspin_lock'], (call) => take(call, true)),
  simulated(['_spin_barrier', 'rspin_barrier', '_rspin_barrier'], () => undefined),
];

import type { Address } from '../base/index.ts';
import { argument, type ServedCall, type ServedFunction } from './served-function.ts';
import { HostStop } from './stop.ts';

/**
 * Locks. Only one CPU runs code here, so a lock that is held is one that is never given back: the host would hang. Who holds what is kept on
 * our side; the lock's own memory stays as it is. Source: xen/common/spinlock.c.
 */

const REASON = 'a lock is of use among CPUs that run at the same time, and its statistics and checks need their state';

const held = ({ runner }: ServedCall): Map<Address, number> => runner.heldLocks;

function setInterrupts({ hv, runner }: ServedCall, on: boolean): undefined {
  const { calls } = hv.arch.execution;
  runner.cpu.set(calls.flags, calls.withInterrupts(runner.cpu.get(calls.flags), on));
}

function take(call: ServedCall, recursive: boolean): undefined {
  const lock = argument(call, 0);
  const locks = held(call);
  const count = locks.get(lock) ?? 0;
  if (count > 0 && !recursive) {
    throw new HostStop({ kind: 'hang', why: `${call.name} waits for ever: the lock is held by the same CPU` });
  }
  locks.set(lock, count + 1);
}

function tryToTake(call: ServedCall, recursive: boolean): bigint {
  const lock = argument(call, 0);
  const locks = held(call);
  const count = locks.get(lock) ?? 0;
  if (count > 0 && !recursive) return 0n;
  locks.set(lock, count + 1);
  return 1n;
}

function release(call: ServedCall): undefined {
  const lock = argument(call, 0);
  const locks = held(call);
  const count = locks.get(lock) ?? 0;
  if (count > 1) locks.set(lock, count - 1);
  else locks.delete(lock);
}

/** Functions whose result is what `serve` gives, 0 where it gives none. */
const served = (names: readonly string[], serve: (call: ServedCall) => bigint | undefined): ServedFunction => ({
  names,
  reason: REASON,
  serve: (call) => serve(call) ?? 0n,
});

export const SERVED_LOCKS: readonly ServedFunction[] = [
  served(['_spin_lock'], (call) => take(call, false)),
  // The callback runs while the lock is waited for: never.
  served(['_spin_lock_cb'], (call) => take(call, false)),
  served(['_spin_lock_irq'], (call) => {
    setInterrupts(call, false);
    return take(call, false);
  }),
  served(['_spin_lock_irqsave', '__rspin_lock_irqsave', '_rspin_lock_irqsave'], (call) => {
    const { calls } = call.hv.arch.execution;
    const flags = calls.savedFlags(call.runner.cpu.get(calls.flags));
    setInterrupts(call, false);
    take(call, call.name !== '_spin_lock_irqsave');
    return flags;
  }),
  served(['_spin_unlock', '_spin_unlock_recursive', 'rspin_unlock', '_rspin_unlock'], release),
  served(['_spin_unlock_irq'], (call) => {
    release(call);
    return setInterrupts(call, true);
  }),
  served(['_spin_unlock_irqrestore', 'rspin_unlock_irqrestore', '_rspin_unlock_irqrestore'], (call) => {
    release(call);
    return setInterrupts(call, call.hv.arch.execution.calls.interruptsIn(argument(call, 1)));
  }),
  served(['_spin_is_locked', 'rspin_is_locked', '_rspin_is_locked'], (call) =>
    held(call).has(argument(call, 0)) ? 1n : 0n,
  ),
  served(['_spin_trylock'], (call) => tryToTake(call, false)),
  served(['_spin_trylock_recursive', 'rspin_trylock', '_rspin_trylock'], (call) => tryToTake(call, true)),
  served(['_spin_lock_recursive', 'rspin_lock', '_rspin_lock'], (call) => take(call, true)),
  served(['_spin_barrier', 'rspin_barrier', '_rspin_barrier'], () => undefined),
];

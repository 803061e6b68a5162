import type { Place } from '../base/index.ts';
import { MemoryFault } from '../machine/index.ts';
import { explainFault } from './fault-place.ts';
import { type Hypervisor, report } from './hypervisor.ts';
import { hostPanic } from './panic.ts';
import { HostStop } from './stop.ts';

/**
 * Runs `body` in the hypervisor's context. If the host dies, or would have to run a payload's code without a processor, returns `undefined` and
 * sets `hv.stopped`; nothing works after that.
 */
export function enter<T>(hv: Hypervisor, body: () => T): T | undefined {
  if (hv.stopped !== null) return undefined;
  try {
    return body();
  } catch (thrown) {
    const stop = thrown instanceof MemoryFault ? new HostStop({ kind: 'fault', fault: thrown.fault }) : thrown;
    if (!(stop instanceof HostStop)) throw thrown;
    const { cause } = stop;
    if (cause.kind === 'hook') {
      hv.stopped = { stop, panic: null, hook: cause.hook };
    } else {
      const panic = hostPanic(hv, cause);
      hv.stopped = { stop, panic, hook: null };
      const { message, where } = explain(hv, cause, panic.message);
      report(hv, 'host-panic', message, where);
    }
    hv.frames.length = 0;
    return undefined;
  }
}

function explain(hv: Hypervisor, cause: HostStop['cause'], title: string): { message: string; where: Place } {
  const frame = hv.frames.filter((name) => !/^[0-9a-f]{16}$/.test(name)).pop();
  const where = frame === undefined ? '' : ` in ${frame}`;
  if (cause.kind === 'fault') {
    const fault = explainFault(hv, cause.fault);
    return { message: `the host panics${where}: ${fault.message}`, where: fault.where };
  }
  return { message: `the host panics${where}: ${'why' in cause ? cause.why : title}`, where: {} };
}

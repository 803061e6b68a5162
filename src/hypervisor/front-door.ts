import { MemoryFault } from '../machine/index.ts';
import type { Hypervisor } from './hypervisor.ts';
import { report } from './hypervisor.ts';
import { hostPanic } from './panic.ts';
import { HostStop } from './stop.ts';

/**
 * Runs something in the hypervisor's context. When the host dies of it, or would have to run a payload's code, the result is `undefined`
 * and `hv.stopped` says why; nothing works after that.
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
      report(hv, 'error', 'host-panic', panicMessage(hv, panic.message, cause), place(cause));
    }
    hv.frames.length = 0;
    return undefined;
  }
}

function panicMessage(hv: Hypervisor, message: string, cause: HostStop['cause']): string {
  const where = [...hv.frames].reverse()[0];
  const why = 'why' in cause ? `: ${cause.why}` : '';
  return `the host panics${where === undefined ? '' : ` in ${where}`}: ${message}${why}`;
}

const place = (cause: HostStop['cause']) =>
  cause.kind === 'fault' ? { address: cause.fault.address } : {};

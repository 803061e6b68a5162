import { argument, type ServedCall, type ServedFunction } from './served-function.ts';

/** Time. It is the machine's own, in which nothing takes any time but what waits. Sources: xen/arch/x86/time.c, xen/include/xen/delay.h. */

const REASON = 'time comes from the processor’s counter, which is not the same twice: here it is the machine’s own';

const now = ({ hv }: ServedCall): bigint => BigInt(hv.machine.clock.now);

function wait({ hv }: ServedCall, nanoseconds: bigint): bigint {
  // An hour is for ever.
  hv.machine.clock.advance(Math.min(Number(nanoseconds), 3_600e9));
  return 0n;
}

const served = (names: readonly string[], serve: (call: ServedCall) => bigint): ServedFunction => ({
  names,
  reason: REASON,
  serve,
});

export const SERVED_TIME: readonly ServedFunction[] = [
  served(['get_s_time', 'get_s_time_fixed'], now),
  served(['__udelay', 'udelay'], (call) => wait(call, (argument(call, 0) & 0xffff_ffffn) * 1000n)),
];

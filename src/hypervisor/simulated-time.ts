import { argument, type SimulatedCall, type SimulatedFunction } from './simulated-function.ts';

/** Time comes from the virtual clock, which only advances during waits. Sources: xen/arch/x86/time.c, xen/include/xen/delay.h. */

const REASON = 'the processor’s counter is not deterministic: time comes from the virtual clock';

const now = ({ hv }: SimulatedCall): bigint => BigInt(hv.machine.clock.now);

function wait({ hv }: SimulatedCall, nanoseconds: bigint): bigint {
  // Cap a wait at one hour.
  hv.machine.clock.advance(Math.min(Number(nanoseconds), 3_600e9));
  return 0n;
}

const simulated = (names: readonly string[], simulate: (call: SimulatedCall) => bigint): SimulatedFunction => ({
  names,
  reason: REASON,
  simulate,
});

export const SIMULATED_TIME: readonly SimulatedFunction[] = [
  simulated(['get_s_time', 'get_s_time_fixed'], now),
  simulated(['__udelay', 'udelay'], (call) => wait(call, (argument(call, 0) & 0xffff_ffffn) * 1000n)),
];

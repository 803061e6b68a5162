import { argument, type SimulatedCall, type SimulatedFunction, simulatedBecause } from './simulated-function.ts';

/** Time comes from the virtual clock, which only advances during waits. Sources: xen/arch/x86/time.c, xen/include/xen/delay.h. */

function wait({ hv }: SimulatedCall, nanoseconds: bigint): undefined {
  // Cap a wait at one hour.
  hv.machine.clock.advance(Math.min(Number(nanoseconds), 3_600e9));
}

const simulated = simulatedBecause('the processor’s counter is not deterministic: time comes from the virtual clock');

export const SIMULATED_TIME: readonly SimulatedFunction[] = [
  simulated(['get_s_time', 'get_s_time_fixed'], ({ hv }) => BigInt(hv.machine.clock.now)),
  simulated(['__udelay', 'udelay'], (call) => wait(call, (argument(call, 0) & 0xffff_ffffn) * 1000n)),
];

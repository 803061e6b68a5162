import { openHypervisorPair } from '../src/cli/hypervisor-pair.ts';
import { runMutants } from '../test/mutants/index.ts';
import type { Inputs } from './inputs.ts';
import { judge, type Section, type Timing, timesOf, timing } from './measure.ts';
import { processOf, XSPLICE } from './processes.ts';

/** Measures the process `xsplice rehearse --on qemu`, from an existing snapshot. */
export async function rehearsalSection({ payload }: Inputs): Promise<Section> {
  const rehearse = processOf(process.execPath, [XSPLICE, 'rehearse', payload.path, '--on', 'qemu']);
  // Fetches, boots and saves if that has not been done.
  rehearse();
  const all = timing('rehearse --on qemu', await timesOf(5, rehearse));
  return {
    title: 'a rehearsal on a real Xen, end to end',
    timings: [all],
    results: [judge(all.work, all.median / 1000, 's', 'at most', 6)],
  };
}

const BATCH = 50;
const BATCHES = 6;
const SEED = 1;

/** Measures mutants on the simulator alone, and compared with a real Xen, where dead hosts are replaced. */
export async function mutantSection(): Promise<Section> {
  const pair = await openHypervisorPair({ cwd: process.cwd() });
  const batches = (real: typeof pair.real) =>
    timesOf(BATCHES, async (batch) => {
      const { agreed } = await runMutants({ ...pair, real, seed: SEED, from: batch * BATCH, count: BATCH });
      if (agreed !== BATCH) throw new Error(`only ${agreed} of ${BATCH} mutants agreed`);
    });
  // Two simulators: twice the work of one.
  const two = await batches(pair.simulated);
  const alone = timing(
    'on the simulator',
    two.map((time) => time / 2),
  );
  const compared = timing('on the simulator and a real Xen', await batches(pair.real));
  const rate = (timed: Timing, aim: number) =>
    judge(timed.work, BATCH / (timed.median / 1000), 'mutants/s', 'at least', aim);
  return { title: `${BATCH} mutants`, timings: [alone, compared], results: [rate(alone, 500), rate(compared, 20)] };
}

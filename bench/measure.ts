import { Bench } from 'tinybench';

/** A call to measure. */
export type Work = () => unknown;

/**
 * Calls to measure side by side. Each round runs every one a few times, so that other load affects all alike. Only ratios
 * within one run are comparable between machines.
 */
export interface Contest {
  readonly title: string;
  readonly works: Readonly<Record<string, Work>>;
  /** Median of `of` over median of `to`; at most `aim`. */
  readonly ratios?: readonly { readonly of: string; readonly to: string; readonly aim: number }[];
  /** Units that one call of `of` processes, and the minimum per second. */
  readonly rate?: { readonly of: string; readonly count: number; readonly unit: string; readonly aim: number };
  /** Uncounted calls first; rounds; calls of each work per round. */
  readonly warmups?: number;
  readonly rounds?: number;
  readonly calls?: number;
}

/** Median and quartiles of the time of one call, in milliseconds. */
export interface Timing {
  readonly work: string;
  readonly median: number;
  readonly lower: number;
  readonly upper: number;
  readonly samples: number;
}

/** One number with an aim. */
export interface Result {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly aim: { readonly bound: 'at most' | 'at least'; readonly value: number };
  readonly reached: boolean;
}

/** Results of one contest or other measurement. */
export interface Section {
  readonly title: string;
  readonly timings: readonly Timing[];
  readonly results: readonly Result[];
}

/** Returns the `q` quantile (0 … 1) of the samples. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

/** Measures successive calls, in milliseconds. */
export async function timesOf(calls: number, work: (call: number) => unknown): Promise<number[]> {
  const times: number[] = [];
  for (let call = 0; call < calls; call++) {
    const start = performance.now();
    await work(call);
    times.push(performance.now() - start);
  }
  return times;
}

/** Formats the times of calls as a table row. */
export const timing = (work: string, times: readonly number[]): Timing => ({
  work,
  median: quantile(times, 0.5),
  lower: quantile(times, 0.25),
  upper: quantile(times, 0.75),
  samples: times.length,
});

/** Compares a result with its aim. */
export function judge(what: string, value: number, unit: string, bound: Result['aim']['bound'], aim: number): Result {
  const reached = bound === 'at most' ? value <= aim : value >= aim;
  return { what, value, unit, aim: { bound, value: aim }, reached };
}

/** Runs a contest. */
export async function compete({
  title,
  works,
  ratios = [],
  rate,
  warmups = 5,
  rounds = 5,
  calls = 5,
}: Contest): Promise<Section> {
  const samples = new Map(Object.keys(works).map((work): [string, number[]] => [work, []]));
  for (let round = 0; round < rounds; round++) {
    const once = { time: 0, warmupTime: 0, warmup: round === 0, warmupIterations: warmups, throws: true };
    const bench = new Bench({ ...once, iterations: calls });
    for (const [name, work] of Object.entries(works)) bench.add(name, work);
    for (const { name, result } of await bench.run()) {
      samples.get(name)?.push(...(result?.latency.samples ?? []));
    }
  }
  const timings = [...samples].map(([work, times]) => ({
    work,
    median: quantile(times, 0.5),
    lower: quantile(times, 0.25),
    upper: quantile(times, 0.75),
    samples: times.length,
  }));
  const medianOf = (work: string): number => timings.find((timing) => timing.work === work)?.median ?? Number.NaN;
  const results = ratios.map(({ of, to, aim }) =>
    judge(`${of} / ${to}`, medianOf(of) / medianOf(to), '×', 'at most', aim),
  );
  if (rate !== undefined) {
    const perSecond = rate.count / (medianOf(rate.of) / 1000);
    results.push(judge(rate.of, perSecond, `${rate.unit}/s`, 'at least', rate.aim));
  }
  return { title, timings, results };
}

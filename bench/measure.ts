import { Bench } from 'tinybench';

/** What may be measured: the time of one call. */
export type Work = () => unknown;

/**
 * Works measured side by side. Each round runs every work a few times, so that what else the machine does falls on all
 * of them alike; only ratios within one run are worth comparing between machines.
 */
export interface Contest {
  readonly title: string;
  readonly works: Readonly<Record<string, Work>>;
  /** Median of `of` over median of `to`, at most `aim`. */
  readonly ratios?: readonly { readonly of: string; readonly to: string; readonly aim: number }[];
  /** How many `unit` the work `of` does in one call, and how many a second it should do at least. */
  readonly rate?: { readonly of: string; readonly count: number; readonly unit: string; readonly aim: number };
  /** Calls that are not counted, before all; rounds; and calls of each work in a round. */
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

/** One number that has an aim. */
export interface Result {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly aim: { readonly bound: 'at most' | 'at least'; readonly value: number };
  readonly reached: boolean;
}

/** What one contest, or one measurement of another kind, gave. */
export interface Section {
  readonly title: string;
  readonly timings: readonly Timing[];
  readonly results: readonly Result[];
}

/** The value below which the part `q` (0 … 1) of the samples lies. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

/** Times of calls in milliseconds, one after the other. */
export async function timesOf(calls: number, work: (call: number) => unknown): Promise<number[]> {
  const times: number[] = [];
  for (let call = 0; call < calls; call++) {
    const start = performance.now();
    await work(call);
    times.push(performance.now() - start);
  }
  return times;
}

/** Times of calls as a line of a table. */
export const timing = (work: string, times: readonly number[]): Timing => ({
  work,
  median: quantile(times, 0.5),
  lower: quantile(times, 0.25),
  upper: quantile(times, 0.75),
  samples: times.length,
});

/** A result, judged by its aim. */
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

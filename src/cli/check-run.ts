import { availableParallelism } from 'node:os';
import { ensure, XspliceError } from '../base/index.ts';
import type { CheckedPayload, CheckMatrix, XenIdentity } from '../documents/index.ts';
import type { PayloadInput } from '../payload/index.ts';
import { checkMatrix, matrixPayloads } from '../run/index.ts';
import { toByteString } from './byte-string.ts';
import { CHECKING, type CheckJob, type CheckJobResult } from './check-job.ts';
import { runJobs } from './thread-pool.ts';

/** Most payloads of one job: small jobs keep the progress line moving, and leave no thread with much to do at the end. */
const MOST_PER_JOB = 8;

/** What `xsplice check` was asked for. */
export interface CheckRequest {
  /** Paths of the payloads, and what was read from them. */
  readonly paths: readonly string[];
  readonly payloads: readonly PayloadInput[];
  /** Paths of the images. */
  readonly hypervisors: readonly string[];
  /** Directory that relative paths start from. */
  readonly cwd: string;
  /** Default: one per processor, once the work is worth it. */
  readonly threads?: number;
  readonly options: CheckJob['options'];
  readonly progress: (doing: string) => void;
}

/** A job, and the index of its hypervisor. */
interface Slice {
  readonly job: CheckJob;
  readonly xen: number;
}

/** How many runs there have been in this process. */
let runs = 0;

/** Splits the work by hypervisor, so that a thread that has read an image goes on with it. */
function slices({ paths, hypervisors, options, threads, cwd }: CheckRequest): Slice[] {
  const parts = 4 * (threads ?? availableParallelism());
  const size = Math.min(Math.max(Math.ceil((paths.length * hypervisors.length) / parts), 1), MOST_PER_JOB);
  const all = paths.map((_, i) => i);
  const run = ++runs;
  return hypervisors.flatMap((path, xen) =>
    Array.from({ length: Math.ceil(paths.length / size) }, (_, part) => ({
      xen,
      job: { xen: path, payloads: paths, wanted: all.slice(part * size, (part + 1) * size), cwd, run, options },
    })),
  );
}

/** Checks every payload on every hypervisor, in threads if that is faster. Throws an XspliceError. */
export async function runCheck(request: CheckRequest): Promise<CheckMatrix> {
  const { paths, payloads, hypervisors, threads, progress } = request;
  const total = paths.length * hypervisors.length;
  const work = slices(request);
  const results: (CheckJobResult | undefined)[] = work.map(() => undefined);
  let cells = 0;
  let failed = false;
  progress(`checked 0 of ${total} …`);
  await runJobs(
    CHECKING,
    work.map(({ job }) => job),
    {
      ...(threads !== undefined && { threads }),
      enough: () => failed,
      done: (result, index) => {
        results[index] = result;
        failed ||= result.error !== null;
        cells += work[index]?.job.wanted.length ?? 0;
        if (cells < total) progress(`checked ${cells} of ${total} …`);
      },
    },
  );
  const { identities, checked } = collect(work, results, hypervisors.length);
  const named = identities.map((identity, x) => ({ ...identity, file: toByteString(hypervisors[x] ?? '') }));
  return checkMatrix(named, matrixPayloads(payloads), checked);
}

/** Sorts results by hypervisor. Throws the first error in the order of the jobs: those before it all ran, so it is always the same one. */
function collect(
  work: readonly Slice[],
  results: readonly (CheckJobResult | undefined)[],
  hypervisors: number,
): { identities: XenIdentity[]; checked: CheckedPayload[][] } {
  const checked: CheckedPayload[][] = Array.from({ length: hypervisors }, () => []);
  const identities: XenIdentity[] = [];
  for (const [index, { xen }] of work.entries()) {
    const result = ensure(results[index], 'a job that was not run comes after one that failed');
    if (result.error !== null) {
      const { code, message, hint } = result.error;
      throw new XspliceError(code, message, hint);
    }
    identities[xen] = result.xen;
    checked[xen]?.push(...result.payloads);
  }
  return { identities, checked };
}

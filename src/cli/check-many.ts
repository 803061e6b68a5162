import { availableParallelism } from 'node:os';
import { ensure, XspliceError } from '../base/index.ts';
import type { CheckedPayload, XenIdentity } from '../documents/index.ts';
import { parseRuleLevels, RULES, type RuleLevels, severityOf } from '../lint/index.ts';
import { payloadName } from '../payload/index.ts';
import { type CheckFormat, matrixHolds, type ReportedRule, renderChecked } from '../report/index.ts';
import { checkMatrix, matrixPayloads } from '../run/index.ts';
import { toByteString } from './byte-string.ts';
import { CHECKING, type CheckJob, type CheckJobResult } from './check-job.ts';
import type { Context } from './context.ts';
import { readPayloads } from './files.ts';
import { EXIT } from './io.ts';
import { startProgress } from './progress.ts';
import { pageOf } from './rules.ts';
import { type ColorWhen, styleFor, wantsColor } from './style.ts';
import { runJobs } from './thread-pool.ts';
import { VERSION } from './version.ts';

/** Limit of payloads × hypervisors. */
const MOST_CELLS = 100_000;

/** Most payloads of one job: with few, progress shows, and no thread is left with much to do at the end. */
const MOST_PER_JOB = 8;

export interface CheckManyOptions {
  readonly payloads: readonly string[];
  readonly hypervisors: readonly string[];
  readonly format: CheckFormat;
  readonly color: ColorWhen;
  /** Threads; as many as there are processors where not given. */
  readonly threads?: number;
  readonly simulation: CheckJob['options'];
  /** What `--rule` was given. */
  readonly settings: readonly string[];
}

/** A job, and which hypervisor it is about. */
interface Slice {
  readonly job: CheckJob;
  readonly xen: number;
}

/** How many runs there have been in this process. */
let runs = 0;

/** By hypervisors: a thread that has read an image goes on with it. */
function slices(
  { payloads, hypervisors, simulation, threads }: CheckManyOptions,
  levels: RuleLevels,
  cwd: string,
): Slice[] {
  const parts = 4 * (threads ?? availableParallelism());
  const size = Math.min(Math.max(Math.ceil((payloads.length * hypervisors.length) / parts), 1), MOST_PER_JOB);
  const all = payloads.map((_, i) => i);
  const run = ++runs;
  return hypervisors.flatMap((path, xen) =>
    Array.from({ length: Math.ceil(payloads.length / size) }, (_, part) => ({
      xen,
      job: {
        xen: path,
        payloads,
        wanted: all.slice(part * size, (part + 1) * size),
        cwd,
        run,
        options: { ...simulation, levels },
      },
    })),
  );
}

/** `xsplice check` of many payloads, on several hypervisors, or in a format that tells of the hypervisor. Throws an XspliceError. */
export async function checkMany(options: CheckManyOptions, { io, exit }: Context): Promise<void> {
  const { payloads: paths, hypervisors, format, color, threads } = options;
  const total = paths.length * hypervisors.length;
  if (total > MOST_CELLS) {
    const hint = 'check fewer payloads or hypervisors at a time';
    throw new XspliceError(
      'EUSAGE',
      `${paths.length} payloads × ${hypervisors.length} hypervisors exceed the limit of ${MOST_CELLS} checks`,
      hint,
    );
  }
  const levels = parseRuleLevels(options.settings, RULES);
  // Fails for an unreadable file before any check runs.
  const payloads = matrixPayloads(readPayloads(paths, io.cwd, payloadName));
  const work = slices(options, levels, io.cwd);
  const progress = startProgress(io);
  const results: (CheckJobResult | undefined)[] = work.map(() => undefined);
  let cells = 0;
  let failed = false;
  try {
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
          if (cells < total) progress.show(`checked ${cells} of ${total} …`);
        },
      },
    );
  } finally {
    progress.clear();
  }
  const { identities, checked } = collect(work, results, hypervisors.length);
  const named = identities.map((identity, x) => ({ ...identity, file: toByteString(hypervisors[x] ?? '') }));
  const matrix = checkMatrix(named, payloads, checked);
  const status = matrixHolds(matrix) ? EXIT.success : EXIT.refused;
  const style = styleFor(wantsColor(color, io.isTTY, io.env), io.columns);
  const cwd = toByteString(io.cwd);
  io.stdout(
    renderChecked(matrix, format, style, {
      rules: rulesRun(levels, format),
      cwd,
      version: VERSION,
      exitStatus: status,
    }),
  );
  exit(status);
}

/** The rules that were run, as reports tell of them; with their pages where the format has room for these. */
const rulesRun = (levels: RuleLevels, format: CheckFormat): ReportedRule[] =>
  RULES.flatMap((rule) => {
    const { id, title } = rule;
    const severity = severityOf(rule, levels);
    if (severity === 'off') return [];
    return [{ id, title, severity, ...(format === 'sarif' && { help: pageOf(id) }) }];
  });

/** The results by hypervisors. Throws the first error in the order of the jobs: those before it were all begun, so it is always the same. */
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

import type { ErrorCode } from '../base/index.ts';
import { XspliceError } from '../base/index.ts';
import type { CheckedPayload, XenIdentity } from '../documents/index.ts';
import type { PayloadInput } from '../payload/index.ts';
import { payloadName } from '../payload/index.ts';
import type { LintCheckOptions, Simulation, SimulationOptions } from '../run/index.ts';
import { checkSliceOn, openSimulation } from '../run/index.ts';
import { readImage, readPayloads } from './files.ts';
import { PORTS } from './ports.ts';
import type { ThreadWork } from './thread-pool.ts';

/** Some payloads on one hypervisor. Plain data: it goes to another thread, which reads the files itself. */
export interface CheckJob {
  /** The image. */
  readonly xen: string;
  /** All payloads: those that are not checked are there to depend on. */
  readonly payloads: readonly string[];
  /** Which of the payloads, from 0, are checked. */
  readonly wanted: readonly number[];
  /** Directory that relative paths start from. */
  readonly cwd: string;
  /** Tells the jobs of one run from those of another, which may find other files under the same names. */
  readonly run: number;
  readonly options: Omit<
    LintCheckOptions,
    'progress' | 'gunzip' | 'inflate' | 'openCpu' | 'noCpu' | 'loadDisassembler' | 'rules'
  >;
}

/** What a job gives. An error is data here: of a class, only its members get to the other thread. */
export type CheckJobResult =
  | { readonly xen: XenIdentity; readonly payloads: readonly CheckedPayload[]; readonly error: null }
  | { readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint: string | undefined } };

/** What was opened last: jobs that are run one after another have mostly the same hypervisor, and all the same payloads. */
let lastXen: { readonly key: string; readonly simulation: Simulation } | null = null;
let lastPayloads: { readonly key: string; readonly files: readonly PayloadInput[] } | null = null;

function simulationOf({ xen, cwd, run, options }: CheckJob, ports: SimulationOptions): Simulation {
  const { levels: _, ...settings } = options;
  const key = JSON.stringify([run, xen, cwd, settings]);
  if (lastXen?.key !== key) {
    // One image at a time is enough to hold.
    lastXen = null;
    lastXen = { key, simulation: openSimulation(readImage(xen, cwd), { ...settings, ...ports }) };
  }
  return lastXen.simulation;
}

function payloadsOf({ payloads, cwd, run }: CheckJob): readonly PayloadInput[] {
  const key = JSON.stringify([run, payloads, cwd]);
  if (lastPayloads?.key !== key) lastPayloads = { key, files: readPayloads(payloads, cwd, payloadName) };
  return lastPayloads.files;
}

/** Checks. What the environment does to it is in the result. */
export async function runCheckJob(job: CheckJob): Promise<CheckJobResult> {
  try {
    const payloads = payloadsOf(job);
    const { gunzip, inflate, loadDisassembler, processorFor } = PORTS;
    const ports = { ...(await processorFor(payloads)), gunzip, inflate, loadDisassembler };
    const slice = await checkSliceOn(simulationOf(job, ports), payloads, { ...job.options, ...ports }, job.wanted);
    return { xen: slice.xen, payloads: await slice.withCode(), error: null };
  } catch (error) {
    if (!(error instanceof XspliceError)) throw error;
    const { code, hint } = error;
    // What is wrong with an image does not say with which.
    const message = code === 'EIMAGE' ? `${job.xen}: ${error.message}` : error.message;
    return { error: { code, message, hint } };
  }
}

/** Checks as work for threads. */
export const CHECKING: ThreadWork<CheckJob, CheckJobResult> = { name: 'runCheckJob', here: runCheckJob };

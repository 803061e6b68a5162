import type { ErrorCode } from '../base/index.ts';
import { XspliceError } from '../base/index.ts';
import type { CheckedPayload, XenIdentity } from '../documents/index.ts';
import type { PayloadInput } from '../payload/index.ts';
import { payloadName } from '../payload/index.ts';
import type { LintCheckOptions, Simulation, SimulationOptions } from '../run/index.ts';
import { checkSlice, openSimulation } from '../run/index.ts';
import { readImage, readPayloads } from './files.ts';
import { PORTS } from './ports.ts';
import type { ThreadWork } from './thread-pool.ts';

/** Some payloads on one hypervisor. Plain data, so that another thread can take it; it reads the files itself. */
export interface CheckJob {
  /** Path of the image. */
  readonly xen: string;
  /** Paths of all payloads: those that are not checked may be dependencies. */
  readonly payloads: readonly string[];
  /** Indexes of the payloads that are checked. */
  readonly wanted: readonly number[];
  /** Directory that relative paths start from. */
  readonly cwd: string;
  /** Number of the run: a later run may find other files under the same names. */
  readonly run: number;
  readonly options: Omit<
    LintCheckOptions,
    'progress' | 'gunzip' | 'inflate' | 'openCpu' | 'noCpu' | 'loadDisassembler' | 'rules'
  >;
}

/** The result of a job. An error is data here, because a class does not survive the way from another thread. */
export type CheckJobResult =
  | { readonly xen: XenIdentity; readonly payloads: readonly CheckedPayload[]; readonly error: null }
  | { readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint: string | undefined } };

/** The files of the last job: the next one mostly has the same hypervisor, and always the same payloads. */
let lastXen: { readonly key: string; readonly simulation: Simulation } | null = null;
let lastPayloads: { readonly key: string; readonly files: readonly PayloadInput[] } | null = null;

function simulationOf({ xen, cwd, run, options }: CheckJob, ports: SimulationOptions): Simulation {
  const { levels: _, ...settings } = options;
  const key = JSON.stringify([run, xen, cwd, settings]);
  if (lastXen?.key !== key) {
    // Hold one image at a time.
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

/** Runs a job. Returns errors of the environment as part of the result. */
export async function runCheckJob(job: CheckJob): Promise<CheckJobResult> {
  try {
    const payloads = payloadsOf(job);
    const { gunzip, inflate, loadDisassembler, processorFor } = PORTS;
    const ports = { ...(await processorFor(payloads)), gunzip, inflate, loadDisassembler };
    const slice = await checkSlice(simulationOf(job, ports), payloads, { ...job.options, ...ports }, job.wanted);
    return { xen: slice.xen, payloads: await slice.withCode(), error: null };
  } catch (error) {
    if (!(error instanceof XspliceError)) throw error;
    const { code, hint } = error;
    // The message does not name the image.
    const message = code === 'EIMAGE' ? `${job.xen}: ${error.message}` : error.message;
    return { error: { code, message, hint } };
  }
}

/** The jobs of a check as work for threads. */
export const CHECKING: ThreadWork<CheckJob, CheckJobResult> = { name: 'runCheckJob', here: runCheckJob };

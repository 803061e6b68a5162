import type { ErrorCode } from '../base/index.ts';
import { XspliceError } from '../base/index.ts';
import type { CheckedPayload, LintCheckOptions, PayloadFile, XenIdentity } from '../scenario/index.ts';
import { checkSlice, payloadName } from '../scenario/index.ts';
import { codeOf, loadDisassembler } from './disassembler.ts';
import { readImage, readPayloads } from './files.ts';
import { gunzip } from './gunzip.ts';
import { inflate } from './inflate.ts';
import { processorFor } from './processor.ts';
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
  readonly options: Omit<
    LintCheckOptions,
    'progress' | 'gunzip' | 'inflate' | 'openCpu' | 'noCpu' | 'loadDisassembler' | 'rules'
  >;
}

/** What a job gives. An error is data here: of a class, only its members get to the other thread. */
export type CheckJobResult =
  | { readonly xen: XenIdentity; readonly payloads: readonly CheckedPayload[]; readonly error: null }
  | { readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint: string | undefined } };

/** What was read last: jobs that are run one after another have mostly the same image, and all the same payloads. */
let lastImage: { readonly key: string; readonly bytes: Uint8Array } | null = null;
let lastPayloads: { readonly key: string; readonly files: readonly PayloadFile[] } | null = null;

function imageOf({ xen, cwd }: CheckJob): Uint8Array {
  const key = JSON.stringify([xen, cwd]);
  if (lastImage?.key !== key) lastImage = { key, bytes: readImage(xen, cwd) };
  return lastImage.bytes;
}

function payloadsOf({ payloads, cwd }: CheckJob): readonly PayloadFile[] {
  const key = JSON.stringify([payloads, cwd]);
  if (lastPayloads?.key !== key) lastPayloads = { key, files: readPayloads(payloads, cwd, payloadName) };
  return lastPayloads.files;
}

/** Checks. What the environment does to it is in the result. */
export async function runCheckJob(job: CheckJob): Promise<CheckJobResult> {
  try {
    const image = imageOf(job);
    const payloads = payloadsOf(job);
    const options = { ...job.options, ...(await processorFor(payloads)), gunzip, inflate, loadDisassembler };
    const slice = await checkSlice(image, payloads, options, job.wanted);
    return { xen: slice.xen, payloads: await codeOf(slice), error: null };
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

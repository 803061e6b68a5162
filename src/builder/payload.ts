import { assert, ensure, type Finding, XspliceError } from '../base/index.ts';
import { about, notesObject, type PairsDiff, type Provenance } from '../diff/index.ts';
import type { DiffVerdict } from '../documents/index.ts';
import { isProblem, readElf } from '../elf/index.ts';
import type { PayloadInput } from '../payload/index.ts';
import type { Simulation } from '../run/index.ts';
import { buildIdOf } from '../synth/index.ts';
import { type Environment, throwIfInterrupted } from '../system/index.ts';
import { type LinkedObject, type LinkOptions, linkPayload } from './link.ts';
import type { LinkerChoice } from './linkers.ts';
import { type VerifyOptions, verifyPayload } from './verify.ts';

/** How to make a payload from a diff. */
export interface PayloadRequest extends LinkerChoice {
  /** Output file as the user named it, for messages. */
  readonly file: string;
  /** Its name in the hypervisor. */
  readonly name: string;
  /** Build-ids; the hypervisor's by default. */
  readonly depends?: Uint8Array | undefined;
  readonly xenDepends?: Uint8Array | undefined;
  /** Titles of its patches. */
  readonly titles: readonly string[];
  /** Name and version of the tool: `xsplice 0.1.0`. */
  readonly tool: string;
  /** Make a file with debug information too? The diff must have kept it. */
  readonly debugData?: boolean;
}

/** How to make and verify a payload. */
export interface MakeOptions extends VerifyOptions {
  readonly env: Environment;
  /** Returns the host to verify a payload on; one with a CPU if the payload has hooks to run. */
  readonly hostFor: (payload: PayloadInput) => Promise<Simulation>;
  readonly signal?: AbortSignal | undefined;
}

/** A payload, or why there is none. */
export interface MadePayload {
  readonly verdict: DiffVerdict;
  /** Refusals of the diff, or else of the verification. */
  readonly refusals: readonly Finding[];
  readonly remarks: readonly Finding[];
  /** The payload, even if it was refused after linking. `null` if nothing was linked. */
  readonly bytes: Uint8Array | null;
  /** The payload with debug information: same sections, same build-id. `null` if not requested or not available. */
  readonly debug: Uint8Array | null;
  /** Did it pass the simulator and lint? */
  readonly verified: boolean;
}

/** Joins the objects of a diff into one object: not yet a payload, without notes, not verified. */
export async function joinObjects(
  diff: PairsDiff,
  simulation: Simulation,
  options: LinkerChoice & Pick<MakeOptions, 'env' | 'signal'>,
): Promise<Uint8Array> {
  const [first, ...others] = diff.objects;
  if (others.length === 0) return ensure(first, 'what is built has an object').bytes;
  return linkPayload(diff.objects, { ...options, arch: simulation.identity.arch, buildId: 'none' });
}

/** Links a diff into a payload, and verifies it on a simulated host before reporting success. */
export async function makePayload(
  diff: PairsDiff,
  simulation: Simulation,
  request: PayloadRequest,
  options: MakeOptions,
): Promise<MadePayload> {
  const { refusals, remarks } = diff;
  if (diff.verdict !== 'built') {
    return { verdict: diff.verdict, refusals, remarks, bytes: null, debug: null, verified: false };
  }
  const arch = simulation.identity.arch;
  const notes = notesFor(diff.objects, simulation, request);
  options.progress?.('link …');
  const bytes = await linkPayload([...diff.objects, notes], { ...request, ...options, arch, buildId: 'sha1' });
  const payload: PayloadInput = { file: request.file, name: request.name, bytes };
  const verification = await verifyPayload(await options.hostFor(payload), payload, options);
  const holds = verification.refusals.length === 0;
  const debug =
    holds && request.debugData === true
      ? await linkDebug(diff, notes, { ...request, ...options, arch, buildId: buildIdOf(bytes) })
      : { bytes: null, remarks: [] };
  return {
    verdict: holds ? 'built' : 'refused',
    refusals: verification.refusals,
    remarks: [...remarks, ...verification.remarks, ...debug.remarks],
    bytes,
    debug: debug.bytes,
    verified: holds,
  };
}

/** Links the payload with the debug data of its objects. A failure here does not cost the payload. */
async function linkDebug(
  { objects }: PairsDiff,
  notes: LinkedObject,
  options: LinkOptions & Pick<PayloadRequest, 'file'>,
): Promise<{ readonly bytes: Uint8Array | null; readonly remarks: readonly Finding[] }> {
  const none = (text: string) => ({ bytes: null, remarks: [about('no-debug-file', options.file, null, text)] });
  if (objects.every(({ debug }) => debug === null)) {
    return none('no debug file: the objects have no debug information; compile with -g');
  }
  const withDebug = objects.map(({ object, bytes, debug }) => ({ object, bytes: debug ?? bytes }));
  try {
    return { bytes: await linkPayload([...withDebug, notes], options), remarks: [] };
  } catch (error) {
    throwIfInterrupted(options.signal);
    if (!(error instanceof XspliceError)) throw error;
    return none(`no debug file: cannot link the debug information: ${error.message}`);
  }
}

/** Makes the object with the notes, which is linked last. */
function notesFor(objects: readonly LinkedObject[], simulation: Simulation, request: PayloadRequest): LinkedObject {
  const { image, release, identity } = simulation;
  const like = readElf(ensure(objects[0], 'what is built has an object').bytes);
  assert(!isProblem(like), 'the differ makes objects that can be read');
  const depends = request.depends ?? image.buildId;
  const xenDepends = request.xenDepends ?? image.buildId;
  if (depends === null || xenDepends === null) {
    const hint = 'give one with --depends and --xen-depends, or use a xen-syms with a build-id';
    throw new XspliceError('EUSAGE', 'the hypervisor has no build-id for the payload to depend on', hint);
  }
  const { name, titles, tool } = request;
  const provenance: Provenance = { name, titles, tool, base: identity.buildId };
  return { object: 'the notes', bytes: notesObject(like, { depends, xenDepends, provenance }, release) };
}

import { nearestNames, XspliceError } from '../base/index.ts';
import type { Image } from '../hypervisor/index.ts';
import {
  type CallableTarget,
  type CallResult,
  ERRNO,
  errnoName,
  type FunctionCall,
  LIVEPATCH_ACTION_APPLY_NODEPS,
  type ObservableTarget,
  type Release,
} from '../xen/index.ts';
import { CallLines } from './call-lines.ts';
import { buildCallPayload, CALL_PAYLOAD_NAME } from './call-payload.ts';
import { xenFacts } from './xen-facts.ts';

/** The hypervisor on which functions are called. */
export interface CalledXen {
  readonly image: Image;
  readonly release: Release;
}

/** Timeout of the rendezvous in nanoseconds: generous, so that slow CPUs do not fail the call. */
const TIMEOUT_NS = 1_000_000_000;

const NAME = CALL_PAYLOAD_NAME;

/**
 * Calls a function of any hypervisor since 4.14 through a payload made for this call, which is uploaded, applied on top of all others, reverted and
 * unloaded. The function runs with interrupts off while all other CPUs wait, so a function that waits for them never returns. Of a loaded payload,
 * only functions that replace none can be called: Xen does not find the others. `keep` gets the console lines that are not about this payload.
 *
 * If the function kills the host, the result is `null`, and the host shows a panic. Throws an XspliceError: EUSAGE for an unknown function, invalid
 * arguments, or a chosen CPU; ETOOL if the host refuses the payload.
 */
export async function callThroughPayload(
  target: ObservableTarget,
  { image, release }: CalledXen,
  request: FunctionCall,
  keep: (lines: readonly string[]) => void,
): Promise<CallResult> {
  if (!release.actionFlags) throw refused(`of Xen ${release.version}: NODEPS is needed, which 4.14 has`);
  if ((request.cpu ?? 0) !== 0) {
    throw new XspliceError(
      'EUSAGE',
      `CPU ${request.cpu} cannot be told to make a call`,
      'leave it out: the host chooses',
    );
  }
  const xen = xenFacts(image, release);
  const payload = buildCallPayload(xen, { ...request, function: lookupName(request.function, image, release) });
  const lines = new CallLines();
  const listen = async (): Promise<void> => lines.add(await target.takeConsole());
  const dead = async (): Promise<boolean> => (await target.panic()) !== null;
  const died: CallResult = { result: null, instructions: null, entered: null, coverage: [], buffers: [] };
  try {
    const uploaded = await target.upload(NAME, payload.bytes);
    await listen();
    if (uploaded.kind === 'no-answer' || (await dead())) return died;
    if (uploaded.rc === -ERRNO.ENOENT) throw unknown(request.function, image, release);
    if (uploaded.rc !== 0) throw refused(`${resultOf(uploaded.rc)} from its upload${lines.reason()}`);
    try {
      const flags = LIVEPATCH_ACTION_APPLY_NODEPS;
      const applied = await target.action(NAME, 'apply', { flags, timeout: TIMEOUT_NS });
      await listen();
      if (applied.kind === 'no-answer' || (await dead())) return died;
      const got = await target.get(NAME);
      const status = applied.rc === 0 && got.kind === 'found' ? got.statusRc : applied.rc;
      if (status !== 0) throw refused(`${resultOf(status)} from applying it${lines.reason()}`);
      const { dataAddress } = lines;
      const data = dataAddress === null ? null : await target.peek(dataAddress, payload.dataSize);
      const reverted = await target.action(NAME, 'revert', { timeout: TIMEOUT_NS });
      if (reverted.kind === 'no-answer' || (await dead())) return died;
      if (reverted.rc !== 0) throw refused(`${resultOf(reverted.rc)} from reverting it`);
      if (dataAddress === null) throw refused('because the console does not show its place: errors have to be logged');
      if (data === null) throw refused('because its memory cannot be read');
      return { ...died, ...payload.readBack(data) };
    } finally {
      if (!(await dead())) await target.action(NAME, 'unload');
    }
  } finally {
    // A host that died leaves some last lines.
    await listen().catch((error: unknown) => {
      if (!(error instanceof XspliceError) || error.code !== 'EHOST') throw error;
    });
    keep(lines.finish());
  }
}

/** Adds calls to a target. Lines that a call did not print itself come with `takeConsole`, in order. */
export function withCalls(target: ObservableTarget, xen: CalledXen): CallableTarget {
  let waiting: readonly string[] = [];
  return {
    upload: (name, payload, flags) => target.upload(name, payload, flags),
    get: (name) => target.get(name),
    list: (request) => target.list(request),
    action: (name, action, options) => target.action(name, action, options),
    panic: () => target.panic(),
    dump: () => target.dump(),
    peek: (address, length) => target.peek(address, length),
    close: () => target.close(),
    ...(target.rawSysctl !== undefined && { rawSysctl: target.rawSysctl.bind(target) }),
    ...(target.versionString !== undefined && { versionString: target.versionString.bind(target) }),
    takeConsole: async () => {
      const lines = [...waiting, ...(await target.takeConsole())];
      waiting = [];
      return lines;
    },
    call: (request) =>
      callThroughPayload(target, xen, request, (lines) => {
        waiting = [...waiting, ...lines];
      }),
  };
}

const resultOf = (rc: number): string => errnoName(rc) ?? String(rc);

const refused = (why: string): XspliceError =>
  new XspliceError('ETOOL', `the host refuses the payload that makes the call: ${why}`);

/** Returns the name by which Xen finds a function: adds the file of a static one, and removes `[PAYLOAD]`. */
function lookupName(name: string, image: Image, release: Release): string {
  const symbols = image.symbolsFor(release);
  if (symbols.byName(name) !== 0n) return name;
  const statics = [...symbols.names()].filter((each) => each.endsWith(`#${name}`));
  if (statics.length > 1) {
    const hint = `use one of: ${statics.slice(0, 4).join(', ')}`;
    throw new XspliceError('EUSAGE', `ambiguous function ${name}: ${statics.length} matches`, hint);
  }
  return statics[0] ?? name.replace(/^(\S+) \[.*\]$/s, '$1');
}

function unknown(name: string, image: Image, release: Release): XspliceError {
  const nearest = nearestNames(name, image.symbolsFor(release).names());
  const hint = nearest.length === 0 ? undefined : `did you mean ${nearest.join(', ')}?`;
  return new XspliceError('EUSAGE', `neither the hypervisor nor a loaded payload has a function ${name}`, hint);
}

import type { Architecture } from '../arch/index.ts';
import { type Address, hex, hexAddress, latin1, XspliceError } from '../base/index.ts';
import type { ObservedValue } from '../documents/index.ts';
import { SimulatedTarget } from '../hypervisor/index.ts';
import { panicText, resultText } from '../run/index.ts';
import {
  type ActionName,
  type ActionOptions,
  type GetResult,
  LIVEPATCH_LIST_MAX,
  LIVEPATCH_STATE_NAMES,
  type ListAnswer,
  listUninterrupted,
  type ObservableTarget,
  type OpResult,
  PAGE_SIZE,
  type Release,
  XEN_LIVEPATCH_NAME_SIZE,
} from '../xen/index.ts';
import type { ConformStep } from './case.ts';
import { extraVersion } from './extra-version.ts';
import { encodeRawCall, rawCall } from './raw-call.ts';

/** Everything that was seen of a host in one step: field → value. What a step does not have is absent. */
export type Observation = Map<string, ObservedValue>;

/** What a step works on. */
export interface ObserveOptions {
  readonly arch: Architecture;
  readonly release: Release;
  /** The case's payload files by key. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Press `x` after the step. */
  readonly dump: boolean;
  /** Read the pages of the payload that was uploaded: on a host that has given no page back, as what lies between sections is never written. */
  readonly pages: boolean;
  /** Is this memory that had a pattern in it before a payload came (CONFIG_SCRUB_DEBUG)? */
  readonly isScrubbed: (address: Address) => boolean;
  /** Addresses at which live bytes are read after the step; what a dump names is added. */
  readonly watched: Set<Address>;
  /** Is this code, rather than a variable that changes while a host runs? */
  readonly isCode: (address: Address) => boolean;
  /** Where xen_extra_version is. */
  readonly extraVersion: Address;
}

/** Live bytes that are read at each function: a patch takes at most 35. */
const LIVE_BYTES = 48;

/** How a target that is gone shows up: it threw, or has a panic. */
const GONE = 'the host is gone';

/**
 * Takes one step and notes everything that can be seen of it. A host that dies is an observation, too: `panic`. An environment failure
 * (ETOOL) is thrown on.
 */
export async function observe(
  target: ObservableTarget,
  step: ConformStep,
  options: ObserveOptions,
): Promise<Observation> {
  const seen: Observation = new Map();
  try {
    await take(target, step, options, seen);
  } catch (error) {
    if (!(error instanceof XspliceError) || error.code !== 'EHOST') throw error;
    if ((await target.panic()) === null && hookOf(target) === undefined) throw error;
  }
  const hook = hookOf(target);
  const panic = await target.panic();
  if (hook !== undefined) seen.set('hook', hook);
  if (panic !== null) {
    seen.clear();
    seen.set('panic', panicText(panic));
  }
  return seen;
}

/** The simulator does not run a payload's code: where it stopped in front of it. */
function hookOf(target: ObservableTarget): string | undefined {
  const hook = target instanceof SimulatedTarget ? target.hookReached() : null;
  return hook === null ? undefined : `${hook.kind} hook ${hook.symbol ?? hexAddress(hook.address)}`;
}

async function take(
  target: ObservableTarget,
  step: ConformStep,
  options: ObserveOptions,
  seen: Observation,
): Promise<void> {
  if ('extra' in step) {
    seen.set('extra', await extraVersion(target, options, options.extraVersion));
    return;
  }
  const { rc, list, name } = await perform(target, step, options);
  seen.set('rc', resultText(rc));
  if (list !== undefined) seen.set('list', listText(list));
  if (name !== undefined) {
    const got = await target.get(name);
    if (got.kind === 'found') {
      seen.set('state', LIVEPATCH_STATE_NAMES.get(got.state) ?? got.state);
      seen.set('status', resultText(got.statusRc));
    } else if (got.kind === 'refused') seen.set('state', resultText(got.rc));
  }
  seen.set('console', withoutRegisters(await target.takeConsole()).map(withoutLineNumber));
  if (!options.dump) return readLive(target, options, seen);
  await target.dump();
  const dump = await target.takeConsole();
  seen.set('dump', dump);
  for (const { oldAddr } of dumpedFunctions(dump)) options.watched.add(oldAddr);
  if (options.pages && rc === 0) await readPages(target, dump, options, seen);
  await readLive(target, options, seen);
}

/** What dprintk puts in front, without the line of Xen's source, which no image tells: `common/livepatch.c:381: `. */
export const withoutLineNumber = (line: string): string => line.replace(/^(\S+\.c):\d+: /, '$1: ');

/** First and last lines of what show_execution_state prints. Source: xen/arch/x86/traps.c, x86_64/traps.c; xen/arch/arm/traps.c. */
const STATE_BANNER = /^----\[ Xen-/;
const CALL_TRACE = 'Xen call trace:';
/** A line of values: stack words, or an address of the call trace that is not where the processor was. */
const STACK_LINE = /^ {3}(?:[0-9a-f]{8}){1,2}(?: |$)|^ {3}\[<(?:[0-9a-f]{8}|[0-9a-f]{16}|\?)>\] (?!R ).*(?<! \(PC\))$/;
/** `rax: 0123456789abcdef`, or `rsp=0123456789abcdef`: the name is kept. */
const REGISTER_VALUE =
  /\b((?:r(?:[a-d]x|[sb]p|[sd]i|\d+)|cr\d|[fg]sb|gss|[d-gs]s|RFLAGS): +|rsp=|(?:[XR]\d+|LR|SP|FP|CPSR|[A-Z0-9]+_EL2|HDFAR|HIFAR): *|sp=)(?:[0-9a-f]+|\[\.\.\.\])/g;

/**
 * What a host prints, where it has printed the state of a processor (WARN, run_fn): the lines stay, and RIP, the code around it and the call trace's
 * first line too; values of registers and what was found on the stack go. They belong to one build and one run of the hypervisor's own code.
 */
export function withoutRegisters(lines: readonly string[]): string[] {
  const kept: string[] = [];
  let state: 'none' | 'registers' | 'trace' = 'none';
  for (const line of lines) {
    if (STATE_BANNER.test(line)) state = 'registers';
    else if (line === CALL_TRACE) state = 'trace';
    else if (state === 'trace' && !line.startsWith('   [<')) state = 'none';
    if (state !== 'none' && STACK_LINE.test(line)) continue;
    kept.push(state === 'registers' ? line.replace(REGISTER_VALUE, '$1').trimEnd() : line);
  }
  return kept;
}

/** What is in free pages under CONFIG_SCRUB_DEBUG. Source: xen/common/page_alloc.c, scrub_one_page. */
const SCRUB_PATTERN = 0xc2;

/** Memory of the host. The pattern of free pages counts as zero: it depends on a page's past whether it is there. */
async function read(
  target: ObservableTarget,
  address: Address,
  length: number,
  { isScrubbed }: ObserveOptions,
): Promise<Uint8Array | null> {
  const bytes = await target.peek(address, length);
  return isScrubbed(address) ? (bytes?.map((byte) => (byte === SCRUB_PATTERN ? 0 : byte)) ?? null) : bytes;
}

async function readLive(target: ObservableTarget, options: ObserveOptions, seen: Observation): Promise<void> {
  for (const address of options.watched) {
    if (!options.isCode(address)) continue;
    const bytes = await read(target, address, LIVE_BYTES, options);
    seen.set(`live ${hexAddress(address)}`, bytes === null ? null : hex(bytes));
  }
}

/** A payload's line in what the key `x` prints, as far as it tells its place. */
const PLACE = / state=CHECKED\(1\) ((?:[0-9a-f]{8}){1,2}) \(.*\) using (\d+) pages\.$/;

/** Pages of a payload that are read, and bytes of a line. */
const MOST_PAGES = 16;
const LINE = 32;

/** Notes what is in the pages of the last payload of a dump: its bytes in lines, without those that are all zero. */
async function readPages(
  target: ObservableTarget,
  dump: readonly string[],
  options: ObserveOptions,
  seen: Observation,
): Promise<void> {
  const places = dump.map((line) => PLACE.exec(line)).filter((place) => place !== null);
  const [, start, count] = places[places.length - 1] ?? [];
  const length = PAGE_SIZE * Math.min(Number(count ?? 0), MOST_PAGES);
  if (length === 0) return;
  const bytes = await read(target, BigInt(`0x${start}`), length, options);
  const lines: string[] = [];
  for (let at = 0; bytes !== null && at < length; at += LINE) {
    const line = bytes.subarray(at, at + LINE);
    if (line.some((byte) => byte !== 0)) lines.push(`+0x${at.toString(16)}: ${hex(line)}`);
  }
  seen.set('pages', bytes === null ? null : lines);
}

/** A function's line in what the key `x` prints. Source: xen/common/livepatch.c, livepatch_printall. */
const FUNCTION_LINE = / patch ((?:[0-9a-f]{8}){1,2})\((\d+)\) with ((?:[0-9a-f]{8}){1,2}) \((\d+)\)$/;

/** A function as the key `x` shows it. Sizes in bytes. */
export interface DumpedFunction {
  readonly oldAddr: Address;
  readonly oldSize: number;
  readonly newAddr: Address;
  readonly newSize: number;
}

export function dumpedFunctions(lines: readonly string[]): DumpedFunction[] {
  const functions: DumpedFunction[] = [];
  for (const line of lines) {
    const found = FUNCTION_LINE.exec(line);
    if (found === null) continue;
    const [, oldAddr, oldSize, newAddr, newSize] = found;
    functions.push({
      oldAddr: BigInt(`0x${oldAddr}`),
      oldSize: Number(oldSize),
      newAddr: BigInt(`0x${newAddr}`),
      newSize: Number(newSize),
    });
  }
  return functions;
}

/** Metadata that LIST is given room for, in bytes. */
const LIST_METADATA = 4096;

interface Outcome {
  readonly rc: number;
  readonly list?: ListAnswer;
  /** The payload whose state is worth asking for. */
  readonly name?: string;
}

function rcOf(result: OpResult | GetResult): number {
  if (result.kind === 'no-answer') throw new XspliceError('EHOST', GONE);
  return result.rc;
}

const ACTIONS: readonly ActionName[] = ['apply', 'revert', 'replace', 'unload'];

async function perform(
  target: ObservableTarget,
  step: ConformStep,
  { files, release }: ObserveOptions,
): Promise<Outcome> {
  if ('dump' in step) return { rc: 0 };
  if ('upload' in step) {
    const name = step.as ?? step.upload;
    return { rc: rcOf(await target.upload(name, files.get(step.upload) ?? new Uint8Array(0))), name };
  }
  if ('get' in step) return { rc: rcOf(await target.get(step.get)), name: step.get };
  if ('list' in step) {
    const { idx, nr } = step.list;
    // Members that Xen leaves as they were are the caller's: said here, so that they are the same for both.
    const room = Math.min(nr, LIVEPATCH_LIST_MAX) * XEN_LIVEPATCH_NAME_SIZE;
    const request = { idx, nr, nameTotalSize: room, metadataTotalSize: LIST_METADATA };
    const list = await listUninterrupted(target, request);
    if (list.kind === 'no-answer') throw new XspliceError('EHOST', GONE);
    return { rc: list.rc, list };
  }
  if ('raw' in step) {
    const { raw } = step;
    return {
      rc: rcOf(await rawCall(target, encodeRawCall(release, raw, files.get(raw.payload ?? '') ?? new Uint8Array(0)))),
    };
  }
  for (const action of ACTIONS) {
    const name = (step as Record<string, string | undefined>)[action];
    if (name === undefined) continue;
    return { rc: rcOf(await target.action(name, action, step as ActionOptions)), name };
  }
  return { rc: 0 };
}

function listText({ version, nr, nameTotalSize, metadataTotalSize, entries }: ListAnswer): string[] {
  return [
    `version=${version} left=${nr} names=${nameTotalSize} metadata=${metadataTotalSize}`,
    ...entries.map(
      ({ name, state, rc, metadata }) =>
        `${name} state=${state} rc=${rc} metadata=${hex(metadata)} (${latin1(metadata)})`,
    ),
  ];
}

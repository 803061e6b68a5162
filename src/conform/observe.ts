import { type Address, addOffset, hex, hexAddress, latin1, XspliceError } from '../base/index.ts';
import type { ObservedValue } from '../documents/index.ts';
import {
  type AnsweredStep,
  hostEnded,
  panicText,
  resultText,
  type Stage,
  type Step,
  type StepOutcome,
  takeStep,
} from '../run/index.ts';
import {
  type ActionName,
  LIVEPATCH_LIST_MAX,
  LIVEPATCH_STATE_NAMES,
  type ListAnswer,
  PAGE_SIZE,
  type Release,
  readDump,
  type VersionString,
  XEN_LIVEPATCH_NAME_SIZE,
} from '../xen/index.ts';
import type { ConformStep, RawCall } from './case.ts';
import { encodeRawCall } from './raw-call.ts';

/** What was observed of a host in one step, by field. A field that the step does not have is absent. */
export type Observation = Map<string, ObservedValue>;

export interface ObserveOptions {
  readonly release: Release;
  /** The case's payload files by key. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Press `x` after the step. */
  readonly dump: boolean;
  /** Read the live bytes of {@link watched} addresses and {@link patched} functions. */
  readonly live: boolean;
  /** Read the pages of the payload that was uploaded. */
  readonly pages: boolean;
  /** Did this memory hold a pattern before a payload came (CONFIG_SCRUB_DEBUG)? */
  readonly isScrubbed: (address: Address) => boolean;
  readonly watched: readonly Address[];
  /** Functions that dumps have named so far; {@link observe} adds to them. */
  readonly patched: Set<Address>;
  /** Is this code, rather than a variable that changes while a host runs? */
  readonly isCode: (address: Address) => boolean;
}

/** Live bytes that are read at each function: a patch takes at most 35. */
const LIVE_BYTES = 48;

/**
 * Takes one step on a stage and returns what can be observed of it. A host that dies is an observation: `panic`, `screen`, and the lines before it.
 * Returns `null`, without taking the step, where the host cannot take one of this kind. Throws an XspliceError: ETOOL where the environment fails,
 * EHOST where the host gives no answer and no reason.
 */
export async function observe(stage: Stage, step: ConformStep, options: ObserveOptions): Promise<Observation | null> {
  if ('raw' in step && stage.target.rawSysctl === undefined) return null;
  const { seen, ended } = await take(stage, step, options);
  if (ended) return seen;
  if (options.dump) {
    const pressed = taken(await takeStep(stage, { verb: 'dump' }));
    if (pressed.ended) return pressed.seen;
    const dump = pressed.seen.get('dump') as readonly string[];
    seen.set('dump', dump);
    for (const { oldAddr } of readDump(dump).flatMap(({ functions }) => functions)) options.patched.add(oldAddr);
    if (options.pages && seen.get('rc') === 0) await readPages(stage, dump, options, seen);
  }
  if (options.live) await readLive(stage, options, seen);
  return seen;
}

interface Taken {
  readonly seen: Observation;
  /** The host takes no more steps. */
  readonly ended: boolean;
}

const taken = (outcome: StepOutcome): Taken => ({ seen: observationOf(outcome), ended: hostEnded(outcome) });

async function take(stage: Stage, step: ConformStep, options: ObserveOptions): Promise<Taken> {
  if ('raw' in step) return takeRaw(stage, step.raw, options);
  if ('extra' in step) return takeVersion(stage, 'extra');
  if ('changeset' in step) return takeVersion(stage, 'changeset');
  return taken(await takeStep(stage, asStep(step, options.files)));
}

type PlainStep = Exclude<ConformStep, { raw: unknown } | { extra: unknown } | { changeset: unknown }>;

/** Metadata that LIST is given room for, in bytes. */
const LIST_METADATA = 4096;

const ACTIONS: readonly ActionName[] = ['apply', 'revert', 'replace', 'unload'];

function asStep(step: PlainStep, files: ReadonlyMap<string, Uint8Array>): Step {
  if ('dump' in step) return { verb: 'dump' };
  if ('get' in step) return { verb: 'get', name: step.get };
  if ('upload' in step) {
    return { verb: 'upload', name: step.as ?? step.upload, payload: files.get(step.upload) ?? new Uint8Array(0) };
  }
  if ('list' in step) {
    const { idx, nr } = step.list;
    // Members that Xen leaves as they were are the caller's: given here, so that they are the same on both hosts.
    const nameTotalSize = Math.min(nr, LIVEPATCH_LIST_MAX) * XEN_LIVEPATCH_NAME_SIZE;
    return { verb: 'list', idx, nr, nameTotalSize, metadataTotalSize: LIST_METADATA };
  }
  const verb = ACTIONS.find((action) => action in step) as ActionName;
  const { [verb]: name, ...options } = step as { readonly [key in ActionName]: string };
  return { verb, name, ...options };
}

/**
 * Returns what a step's outcome shows. A host that died shows its `panic`, `screen` and last lines alone. Throws an XspliceError (EHOST) where the host
 * gave no answer and no reason.
 */
export function observationOf(outcome: StepOutcome): Observation {
  switch (outcome.kind) {
    case 'answered':
      return new Map([['rc', resultText(outcome.rc)], ...statusOf(outcome), ['console', outcome.console]]);
    case 'listed':
      return new Map<string, ObservedValue>([
        ['rc', resultText(outcome.list.rc)],
        ['list', listText(outcome.list)],
        ['console', outcome.console],
      ]);
    case 'dumped':
      return new Map([['dump', outcome.console]]);
    case 'died': {
      const { panic, console } = outcome;
      return new Map([
        ['panic', panicText(panic)],
        ['screen', panic.screen],
        ['console', console],
      ]);
    }
    case 'stopped-at-hook': {
      const { kind, symbol, address } = outcome.hook;
      return new Map([['hook', `${kind} hook ${symbol ?? hexAddress(address)}`]]);
    }
    case 'no-answer':
      throw new XspliceError('EHOST', 'the host did not answer, and did not panic');
    default:
      return new Map([['console', outcome.console]]);
  }
}

function statusOf({ status, statusRc }: AnsweredStep): [field: string, value: ObservedValue][] {
  if (status === null) return [['state', resultText(statusRc)]];
  const state = LIVEPATCH_STATE_NAMES.get(status.state) ?? status.state;
  return [
    ['state', state],
    ['status', resultText(status.rc)],
  ];
}

async function takeRaw(stage: Stage, raw: RawCall, options: ObserveOptions): Promise<Taken> {
  const file = options.files.get(raw.payload ?? '') ?? new Uint8Array(0);
  const call = encodeRawCall(options.release, raw, file);
  const result = await stage.target.rawSysctl?.(call.encode);
  // GET notices a host that died of the call.
  const outcome = await takeStep(stage, { verb: 'get', name: (raw.name ?? '').replace(/\0.*/s, '') });
  if (outcome.kind !== 'answered' || result?.kind !== 'answered') return taken(outcome);
  const list = call.list(result);
  const seen: Observation = new Map([
    ['rc', resultText(result.rc)],
    ...(list === undefined ? [] : ([['list', listText(list)]] as const)),
    ...(raw.op === 'action' ? statusOf(outcome) : []),
    ['console', outcome.console],
  ]);
  return { seen, ended: false };
}

/** Reads a version string: asks the host, or calls the function. */
async function takeVersion(stage: Stage, which: VersionString): Promise<Taken> {
  const { target } = stage;
  if (target.versionString === undefined) {
    const outcome = await takeStep(stage, { verb: 'call', function: VERSION_FUNCTIONS[which], args: [] });
    const { seen, ended } = taken(outcome);
    return { seen: outcome.kind === 'called' ? seen.set(which, outcome.call.text) : seen, ended };
  }
  const text = await target.versionString(which);
  // GET notices a host that died of it.
  const outcome = await takeStep(stage, { verb: 'get', name: '' });
  if (outcome.kind !== 'answered') return taken(outcome);
  return {
    seen: new Map<string, ObservedValue>([
      [which, text],
      ['console', outcome.console],
    ]),
    ended: false,
  };
}

const VERSION_FUNCTIONS: Readonly<Record<VersionString, string>> = {
  extra: 'xen_extra_version',
  changeset: 'xen_changeset',
};

/** What is in free pages under CONFIG_SCRUB_DEBUG. Source: xen/common/page_alloc.c, scrub_one_page. */
const SCRUB_PATTERN = 0xc2;

/** Memory of the host. The pattern of free pages counts as zero: it depends on a page's past whether it is there. */
async function read(
  { target }: Stage,
  address: Address,
  length: number,
  { isScrubbed }: ObserveOptions,
): Promise<Uint8Array | null> {
  const bytes = await target.peek(address, length);
  return isScrubbed(address) ? (bytes?.map((byte) => (byte === SCRUB_PATTERN ? 0 : byte)) ?? null) : bytes;
}

async function readLive(stage: Stage, options: ObserveOptions, seen: Observation): Promise<void> {
  for (const address of new Set([...options.watched, ...options.patched])) {
    if (!options.isCode(address)) continue;
    const bytes = await read(stage, address, LIVE_BYTES, options);
    seen.set(`live ${hexAddress(address)}`, bytes === null ? null : hex(bytes));
  }
}

/** Bytes that are read of each region of a payload, and bytes of a line. */
const REGION_BYTES = 4 * PAGE_SIZE;
const LINE = 32;

/** Notes what is in the pages of the last payload of a dump: its bytes in lines, without those that are all zero. */
async function readPages(
  stage: Stage,
  dump: readonly string[],
  options: ObserveOptions,
  seen: Observation,
): Promise<void> {
  const payload = readDump(dump).findLast(({ state }) => state === 'CHECKED');
  if (payload === undefined) return;
  const { text: start, rw, ro, pages } = payload;
  const bounds = [start, rw, ro, addOffset(start, PAGE_SIZE * pages)];
  const lines: string[] = [];
  for (const [i, from] of bounds.slice(0, 3).entries()) {
    const length = Math.min(REGION_BYTES, Number((bounds[i + 1] as Address) - from));
    const bytes = length === 0 ? new Uint8Array(0) : await read(stage, from, length, options);
    if (bytes === null) {
      seen.set('pages', null);
      return;
    }
    for (let at = 0; at < length; at += LINE) {
      const line = bytes.subarray(at, at + LINE);
      if (line.some((byte) => byte !== 0)) lines.push(`+0x${(Number(from - start) + at).toString(16)}: ${hex(line)}`);
    }
  }
  seen.set('pages', lines);
}

function listText({
  version,
  nr,
  nameTotalSize,
  metadataTotalSize,
  entries,
}: Omit<ListAnswer, 'kind' | 'rc'>): string[] {
  return [
    `version=${version} left=${nr} names=${nameTotalSize} metadata=${metadataTotalSize}`,
    ...entries.map(
      ({ name, state, rc, metadata }) =>
        `${name} state=${state} rc=${rc} metadata=${hex(metadata)} (${latin1(metadata)})`,
    ),
  ];
}

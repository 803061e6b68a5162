import { hexAddress, XspliceError } from '../../base/index.ts';
import type { PayloadState } from '../../documents/index.ts';
import {
  LIVEPATCH_ACTION_APPLY_NODEPS,
  LIVEPATCH_STATE_APPLIED,
  LIVEPATCH_STATE_CHECKED,
  listUninterrupted,
  type ObservableTarget,
} from '../../xen/index.ts';
import type { Stage } from '../stage.ts';
import { textAt, writtenTextAt } from '../text-at.ts';
import { type Came, type CameCall, NOTHING_CAME } from './came.ts';
import { placeText, type ScriptPlace } from './node.ts';
import type { PayloadSource, ScriptAction, ScriptSettings } from './types.ts';

const STATES: ReadonlyMap<number | null, PayloadState> = new Map([
  [LIVEPATCH_STATE_CHECKED, 'CHECKED'],
  [LIVEPATCH_STATE_APPLIED, 'APPLIED'],
]);

/** What a step needs, besides the host. */
export interface PerformContext {
  readonly stage: Stage;
  readonly settings: Pick<ScriptSettings, 'timeout' | 'nodeps'>;
  /** The bytes of a payload, fitted where that is wanted. */
  readonly payload: (source: PayloadSource) => Promise<Uint8Array>;
  /** What is wrong with the live code. */
  readonly verify: () => Promise<readonly string[]>;
}

/**
 * Does one step, and tells what came of it. A host that dies is something that came. Rejects with an XspliceError where the environment is at
 * fault: a file, or a stage that cannot do it (ETOOL).
 */
export async function performAction(action: ScriptAction, place: ScriptPlace, context: PerformContext): Promise<Came> {
  const { stage } = context;
  const { target } = stage;
  let came: Came = NOTHING_CAME;
  try {
    came = await take(action, place, context);
  } catch (error) {
    if (!(error instanceof XspliceError) || error.code !== 'EHOST') throw error;
    if ((await target.panic()) === null && stage.hookReached() === null) throw error;
  }
  const hook = stage.hookReached();
  const panic = await target.panic();
  const console = came.console.length > 0 ? came.console : await target.takeConsole();
  if (hook !== null) {
    const what = `the ${hook.kind} hook ${hook.symbol ?? hexAddress(hook.address)}`;
    return { ...NOTHING_CAME, console, hook: `stopped in front of ${what}: a payload's code is not run here` };
  }
  return panic === null ? { ...came, console } : { ...NOTHING_CAME, console, panic };
}

/** A result that is none: the host did not come back from the call. */
const answered = (rc: number): number => {
  if (Number.isNaN(rc)) throw new XspliceError('EHOST', 'the host is gone');
  return rc;
};

async function take(action: ScriptAction, place: ScriptPlace, context: PerformContext): Promise<Came> {
  const { stage, settings } = context;
  const { target } = stage;
  switch (action.verb) {
    case 'upload': {
      const bytes = await context.payload(action.source);
      const { rc } = await target.upload(action.name, bytes, action.flags);
      return withState(stage, action.name, answered(rc), false);
    }
    case 'apply':
    case 'revert':
    case 'replace':
    case 'unload': {
      const timeout = action.timeout ?? settings.timeout ?? 0;
      const flags = action.flags ?? (settings.nodeps === true ? LIVEPATCH_ACTION_APPLY_NODEPS : 0);
      const { rc } = await target.action(action.name, action.verb, { timeout, flags });
      return withState(stage, action.name, answered(rc), action.verb !== 'unload');
    }
    case 'get': {
      const { rc, state, statusRc } = await target.get(action.name);
      const came = answered(rc) === 0 ? (STATES.get(state) ?? null) : 'none';
      return { ...NOTHING_CAME, rc, state: came, status: rc === 0 ? statusRc : null };
    }
    case 'list': {
      const { rc, entries } = await listUninterrupted(target, { idx: action.idx, nr: action.nr });
      const list = entries.map((entry) => ({
        name: entry.name,
        state: STATES.get(entry.state) ?? null,
        rc: entry.rc,
      }));
      return { ...NOTHING_CAME, rc: answered(rc), list };
    }
    case 'dump':
      await target.dump();
      return { ...NOTHING_CAME, rc: 0 };
    case 'verify': {
      const wrong = await context.verify();
      return { ...NOTHING_CAME, rc: wrong.length === 0 ? 0 : -1, wrong };
    }
    case 'call':
      return { ...NOTHING_CAME, call: await callFunction(action, place, stage) };
  }
}

/** What became of an operation on a payload: where it is an action that was scheduled, that is in the payload's own rc. */
async function withState(stage: Stage, name: string, rc: number, scheduled: boolean): Promise<Came> {
  const { target } = stage;
  if (stage.hookReached() !== null || (await target.panic()) !== null) return NOTHING_CAME;
  // Asking may print.
  const console = await target.takeConsole();
  const { rc: got, state, statusRc } = await target.get(name);
  const there = answered(got) === 0;
  return {
    ...NOTHING_CAME,
    rc: scheduled && rc === 0 && there ? statusRc : rc,
    state: there ? (STATES.get(state) ?? null) : 'none',
    status: there ? statusRc : null,
    console,
  };
}

async function callFunction(
  action: Extract<ScriptAction, { verb: 'call' }>,
  place: ScriptPlace,
  stage: Stage,
): Promise<CameCall> {
  if (stage.call === null) {
    const hint = 'leave the call out, or run the scenario where functions can be called';
    throw new XspliceError('ETOOL', `${placeText(place)}: functions cannot be called on this host`, hint);
  }
  const { cpu } = action;
  const result = await stage.call({
    function: action.function,
    args: action.args,
    ...(cpu !== undefined && { cpu }),
  });
  return { result, string: await stringOf(result.result, action, stage.target) };
}

/** The text that a result points to: as it is where text is expected, and else where it looks like text. */
async function stringOf(
  result: bigint | null,
  { returns }: Extract<ScriptAction, { verb: 'call' }>,
  target: ObservableTarget,
): Promise<string | null> {
  if (result === null || result === 0n) return null;
  return returns?.string === undefined ? writtenTextAt(target, result) : textAt(target, result);
}

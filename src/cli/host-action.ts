import { displayText } from '../report/index.ts';
import { type ActionName, ERRNO, XEN_LIVEPATCH_NAME_SIZE } from '../xen/index.ts';
import { toByteString } from './byte-string.ts';
import type { Outcome, Session } from './host-session.ts';
import { errorLine, recordStep, reportErrno, STATE, stateName } from './host-session.ts';

interface Action {
  /** The state that allows the action. */
  readonly allow: number;
  /** The state afterwards; or, for unload, the negated errno of GET. */
  readonly expected: number;
  readonly verb: string;
  /** Flags after the name, and the bits that they set. */
  readonly flags: Readonly<Record<string, number>>;
}

/** LIVEPATCH_ACTION_APPLY_NODEPS. Source: xen/include/public/sysctl.h. */
const NODEPS = 1;

/** Source: xen-livepatch.c, action_options and flag_options. */
const ACTIONS: Readonly<Record<ActionName, Action>> = {
  apply: { allow: STATE.CHECKED, expected: STATE.APPLIED, verb: 'Applying', flags: { '--nodeps': NODEPS } },
  revert: { allow: STATE.APPLIED, expected: STATE.CHECKED, verb: 'Reverting', flags: {} },
  unload: { allow: STATE.CHECKED, expected: -ERRNO.ENOENT, verb: 'Unloading', flags: {} },
  replace: { allow: STATE.CHECKED, expected: STATE.APPLIED, verb: 'Replacing all live patches with', flags: {} },
};

/** Timeout passed to the hypervisor, in nanoseconds. */
const HYPERVISOR_TIMEOUT_NS = 30_000_000;

/** Wait before the single GET for the result: twice the timeout, as the action may start late. Source: xen-livepatch.c, DELAY. */
const DELAY_MS = (2 * HYPERVISOR_TIMEOUT_NS) / 1_000_000;

/** Converts a payload name to a byte string. Prints an error and returns `undefined` if it is too long. */
export function nameOf(session: Session, word: string): string | undefined {
  const name = toByteString(word);
  if (name.length <= XEN_LIVEPATCH_NAME_SIZE) return name;
  session.err(`ID must be no more than ${XEN_LIVEPATCH_NAME_SIZE} characters.\n`);
  return undefined;
}

function flagsOf(session: Session, { flags }: Action, words: readonly string[]): number | undefined {
  let bits = 0;
  for (const word of words) {
    const bit = Object.hasOwn(flags, word) ? flags[word] : undefined;
    if (bit === undefined) {
      session.err(`Unsupported flag: ${displayText(toByteString(word))}.\n`);
      return undefined;
    }
    bits |= bit;
  }
  return bits;
}

function wrongState(session: Session, shown: string, current: number, expected: number): Outcome {
  session.err(
    `${shown} is in the wrong state.\nCurrent state: ${stateName(current)}\nExpected state: ${stateName(expected)}\n`,
  );
  return -1;
}

/** Runs `apply NAME [--nodeps]`, `revert NAME`, `unload NAME` or `replace NAME`. Source: xen-livepatch.c, action_func. */
export async function runAction(session: Session, action: ActionName, args: readonly string[]): Promise<Outcome> {
  const { target } = session.host;
  const [word = '', ...flagWords] = args;
  const row = ACTIONS[action];
  const name = nameOf(session, word);
  if (name === undefined) return ERRNO.EINVAL;
  const flags = flagsOf(session, row, flagWords);
  if (flags === undefined) return ERRNO.EINVAL;
  const shown = displayText(name);
  const before = await target.get(name);
  if (before.kind === 'refused') {
    session.err(`Failed to get status of ${shown}.\n`);
    reportErrno(session, -before.rc);
    recordStep(session, action, name, before.rc, null);
    return -before.rc;
  }
  if (before.statusRc === -ERRNO.EAGAIN) {
    session.err(`Cannot execute ${action}.\nOperation already in progress.\n`);
    recordStep(session, action, name, null, before.state);
    return ERRNO.EAGAIN;
  }
  if (before.state === row.expected) {
    session.out('No action needed.\n');
    recordStep(session, action, name, null, before.state);
    return 0;
  }
  if ((row.allow & before.state) === 0) {
    recordStep(session, action, name, null, before.state);
    return wrongState(session, shown, before.state, row.allow);
  }
  session.out(`${row.verb} ${shown}... `);
  const { rc } = await target.action(name, action, { timeout: HYPERVISOR_TIMEOUT_NS, flags });
  if (rc !== 0) {
    session.out('failed\n');
    reportErrno(session, -rc);
    recordStep(session, action, name, rc, before.state);
    return -rc;
  }
  await session.sleep(DELAY_MS);
  return resultOf(session, action, name);
}

/** Asks for the result of an action that the hypervisor has scheduled. */
async function resultOf(session: Session, action: ActionName, name: string): Promise<Outcome> {
  const { expected } = ACTIONS[action];
  const after = await session.host.target.get(name);
  const state = after.kind === 'found' ? after.state : null;
  const rc = after.kind === 'found' ? after.statusRc : after.rc;
  const gone = expected < 0 && rc === expected;
  recordStep(session, action, name, gone ? 0 : rc, state);
  if (rc === -ERRNO.EAGAIN) {
    session.out('failed\n');
    session.err("Operation didn't complete.\n");
    return ERRNO.EAGAIN;
  }
  const reached = rc === 0 ? (state ?? 0) : rc;
  if (reached === expected) {
    session.out('completed\n');
    return 0;
  }
  session.out('failed\n');
  if (reached >= 0) return wrongState(session, displayText(name), reached, expected);
  session.err(errorLine(-reached));
  return -reached;
}

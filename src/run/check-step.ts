import { cString, hex, hexAddress } from '../base/index.ts';
import type { ExpectedState, ObservedValue, ScenarioMismatch } from '../documents/index.ts';
import { ERRNO, type Errno, errnoName, type HostPanic, LIVEPATCH_STATE_NAMES, type ListAnswer } from '../xen/index.ts';
import type {
  ConsoleExpectation,
  ExpectedBuffer,
  ExpectedEntry,
  ExpectedReturn,
  ExpectedStep,
  PanicExpectation,
} from './expectation.ts';
import { panicText } from './result-text.ts';
import type { CallOutcome, StepOutcome, StepVerb } from './step.ts';
import { noteOf, resultOf, stateAfter } from './step-document.ts';

/** Returns a result as scenario files spell it: `EINVAL` for -22, and 0 for every success. */
const errnoOf = (rc: number): ObservedValue => (rc >= 0 ? 0 : (errnoName(rc) ?? rc));

/** The state that a verb leaves its payload in when it succeeds. */
const STATE_AFTER: Readonly<Partial<Record<StepVerb, ExpectedState>>> = {
  upload: 'CHECKED',
  apply: 'APPLIED',
  replace: 'APPLIED',
  revert: 'CHECKED',
  unload: 'none',
};

/** Compares an outcome with what the step expects. Returns every difference. */
export function checkStep({ step, expect, panics }: ExpectedStep<unknown>, outcome: StepOutcome): ScenarioMismatch[] {
  if (outcome.kind === 'stopped-at-hook') return [{ field: 'hook', expected: 'no hook', came: noteOf(outcome) }];
  if (panics !== null) return checkPanic(panics, outcome, expect.console);
  if (outcome.kind === 'died') return [{ field: 'panic', expected: 'no panic', came: panicText(outcome.panic) }];
  const found: ScenarioMismatch[] = [];
  const differ = (field: string, expected: ObservedValue, actual: ObservedValue): void => {
    if (expected !== actual) found.push({ field, expected, came: actual });
  };
  // GET refuses if there is no such payload, which is what the step expects.
  const absent = step.verb === 'get' && expect.state === 'none' && expect.errno === undefined;
  const errno = absent ? 'ENOENT' : (expect.errno ?? 0);
  const result = resultOf(outcome);
  if (result !== null) differ('errno', errno, errnoOf(result));
  if (outcome.kind === 'differs') found.push({ field: 'code', expected: 'as applied', came: outcome.problems });
  const state = expect.state ?? (errno === 0 ? STATE_AFTER[step.verb] : undefined);
  if (state !== undefined) differ('state', state, stateAfter(outcome));
  if (expect.rc !== undefined) {
    const status = outcome.kind === 'answered' ? outcome.status : null;
    differ('rc', expect.rc, status === null ? null : errnoOf(status.rc));
  }
  if (outcome.kind === 'listed' && expect.list !== undefined) found.push(...checkList(expect.list, outcome.list));
  if (outcome.kind === 'called') {
    if (expect.returns !== undefined) found.push(...checkReturn(expect.returns, outcome.call));
    found.push(...checkBuffers(expect.buffers ?? [], outcome.call));
  }
  if (expect.console !== undefined) found.push(...checkConsole(expect.console, outcome.console));
  return found;
}

function checkPanic(
  expected: PanicExpectation,
  outcome: StepOutcome,
  lines: ConsoleExpectation | undefined,
): ScenarioMismatch[] {
  if (outcome.kind !== 'died') {
    const rc = resultOf(outcome);
    const came = rc === null ? 'it lives' : `it lives; the step came to ${errnoOf(rc)}`;
    return [{ field: 'panic', expected: 'the host panics', came }];
  }
  const { panic } = outcome;
  const found: ScenarioMismatch[] = [];
  const { errorCode, message, address } = expected;
  if (errorCode !== undefined && panic.errorCode !== errorCode) {
    found.push({ field: 'error_code', expected: errorCode, came: panic.errorCode });
  }
  if (message !== undefined && !panic.message.includes(message)) {
    found.push({ field: 'message', expected: message, came: panic.message });
  }
  if (address !== undefined && panic.address !== address) {
    found.push({ field: 'address', expected: hexAddress(address), came: addressOf(panic) });
  }
  if (lines !== undefined) found.push(...checkConsole(lines, [...outcome.console, ...panic.screen]));
  return found;
}

const addressOf = ({ address }: HostPanic): ObservedValue => (address === null ? null : hexAddress(address));

/** Compares console lines with what is expected of them. Returns every difference. */
export function checkConsole(expected: ConsoleExpectation, lines: readonly string[]): ScenarioMismatch[] {
  const found: ScenarioMismatch[] = [];
  const { exact, contains, absent } = expected;
  if (exact !== undefined && (exact.length !== lines.length || exact.some((line, i) => line !== lines[i]))) {
    found.push({ field: 'console', expected: exact, came: lines });
  }
  let at = 0;
  for (const part of contains ?? []) {
    while (at < lines.length && lines[at]?.includes(part) === false) at++;
    if (at++ < lines.length) continue;
    found.push({ field: 'console', expected: contains ?? [], came: lines });
    break;
  }
  for (const part of absent ?? []) {
    const line = lines.find((each) => each.includes(part));
    if (line !== undefined) found.push({ field: 'console', expected: `no line with ${part}`, came: line });
  }
  return found;
}

function checkList(expected: readonly ExpectedEntry[], { entries }: ListAnswer): ScenarioMismatch[] {
  const text = (name: string, state: string | null | undefined, rc: ObservedValue | undefined): string =>
    [name, ...(state === undefined ? [] : [state]), ...(rc === undefined ? [] : [`rc ${rc}`])].join(' ');
  const wanted = expected.map(({ name, state, rc }) => text(name, state, rc));
  // Only what is expected of an entry is compared, and shown.
  const came = entries.map(({ name, state, rc }, i) => {
    const entry = expected[i];
    return text(
      name,
      entry?.state && (LIVEPATCH_STATE_NAMES.get(state) ?? null),
      entry?.rc === undefined ? undefined : errnoOf(rc),
    );
  });
  const same = wanted.length === came.length && wanted.every((line, i) => line === came[i]);
  return same ? [] : [{ field: 'list', expected: wanted, came }];
}

/** Returns a result as an `int` of C: the low 32 bits, as the others are undefined. */
const lowInt = (value: bigint): bigint => BigInt.asIntN(32, value);

const fitsInt = (value: bigint): boolean => BigInt.asIntN(32, value) === value;

function checkReturn(expected: ExpectedReturn, { result, text }: CallOutcome): ScenarioMismatch[] {
  if (result.result === null) return [{ field: 'returns', expected: 'the function returns', came: null }];
  const found: ScenarioMismatch[] = [];
  const value = result.result;
  const { int, errno } = expected;
  if (int !== undefined) {
    // A function that returns a negative int leaves zeroes in the upper half of the register.
    const narrow = int < 0n && fitsInt(int) && value >> 32n === 0n;
    if (narrow ? lowInt(value) !== int : BigInt.asUintN(64, int) !== value) {
      found.push({ field: 'returns.int', expected: integerText(int), came: integerText(value) });
    }
  }
  if (errno !== undefined && lowInt(value) !== BigInt(errnoNumber(errno))) {
    const came = errnoOf(Number(lowInt(value)));
    found.push({ field: 'returns.errno', expected: errno, came: lowInt(value) > 0n ? integerText(value) : came });
  }
  if (expected.string !== undefined && expected.string !== text) {
    found.push({ field: 'returns.string', expected: expected.string, came: text });
  }
  return found;
}

const errnoNumber = (errno: Errno | 0): number => (errno === 0 ? 0 : -ERRNO[errno]);

/** Returns a small number as it is, and any other in hex. */
const integerText = (value: bigint): ObservedValue => (value < 1n << 16n ? Number(value) : `0x${value.toString(16)}`);

/** How many bytes of a buffer a mismatch shows. */
const SHOWN = 64;

const shown = (bytes: Uint8Array): string =>
  bytes.length <= SHOWN ? hex(bytes) : `${hex(bytes.subarray(0, SHOWN))}… (${bytes.length} bytes)`;

function checkBuffers(expected: readonly (ExpectedBuffer | null)[], { result }: CallOutcome): ScenarioMismatch[] {
  const found: ScenarioMismatch[] = [];
  for (const [i, wanted] of expected.entries()) {
    const came = result.buffers[i];
    if (wanted === null || came === undefined) continue;
    const field = `buffers[${i}]`;
    if ('text' in wanted) {
      const text = cString(came, 0);
      if (text !== wanted.text) found.push({ field, expected: wanted.text, came: text });
      continue;
    }
    const { bytes } = wanted;
    const first = bytes.findIndex((byte, at) => byte !== came[at]);
    if (first < 0 && bytes.length === came.length) continue;
    // Start shortly before the first difference: a large buffer is the same up to there.
    const from = bytes.length <= SHOWN ? 0 : Math.max(0, (first < 0 ? Math.min(bytes.length, came.length) : first) - 8);
    const at = from === 0 ? '' : `+${from}: `;
    found.push({ field, expected: at + shown(bytes.subarray(from)), came: at + shown(came.subarray(from)) });
  }
  return found;
}

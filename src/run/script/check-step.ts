import { cString, hex, hexAddress } from '../../base/index.ts';
import type { ExpectedState, ObservedValue, ScenarioMismatch } from '../../documents/index.ts';
import { ERRNO, type Errno, errnoName, type HostPanic } from '../../xen/index.ts';
import { panicText } from '../result-text.ts';
import type { Came, CameCall } from './came.ts';
import type {
  ConsoleExpectation,
  ExpectedBuffer,
  ExpectedEntry,
  ExpectedReturn,
  PanicExpectation,
  ScriptAction,
  ScriptStep,
} from './types.ts';

/** A result as people name it: `EINVAL` for -22, and 0 for every success. */
const errnoOf = (rc: number): ObservedValue => (rc >= 0 ? 0 : (errnoName(rc) ?? rc));

/** The state that a verb ends in where it succeeds. */
const MEANT: Readonly<Partial<Record<ScriptAction['verb'], ExpectedState>>> = {
  upload: 'CHECKED',
  apply: 'APPLIED',
  replace: 'APPLIED',
  revert: 'CHECKED',
  unload: 'none',
};

/** What did not come as the step expects it; nothing where all did. */
export function checkStep(step: ScriptStep, came: Came): ScenarioMismatch[] {
  const { action, expect, panics } = step;
  if (came.hook !== null) return [{ field: 'hook', expected: 'no hook', came: came.hook }];
  if (panics !== null) return checkPanic(panics, came, expect.console);
  if (came.panic !== null) return [{ field: 'panic', expected: 'no panic', came: panicText(came.panic) }];
  const found: ScenarioMismatch[] = [];
  const differ = (field: string, expected: ObservedValue, actual: ObservedValue): void => {
    if (expected !== actual) found.push({ field, expected, came: actual });
  };
  // A GET of a payload that is not to be there is refused, and that is what is wanted.
  const absent = action.verb === 'get' && expect.state === 'none' && expect.errno === undefined;
  const errno = absent ? 'ENOENT' : (expect.errno ?? 0);
  if (action.verb === 'verify') {
    if (came.wrong.length > 0) found.push({ field: 'code', expected: 'as applied', came: came.wrong });
  } else if (action.verb !== 'call' && action.verb !== 'dump') {
    differ('errno', errno, came.rc === null ? null : errnoOf(came.rc));
  }
  const state = expect.state ?? (errno === 0 ? MEANT[action.verb] : undefined);
  if (state !== undefined) differ('state', state, came.state);
  if (expect.rc !== undefined) differ('rc', expect.rc, came.status === null ? null : errnoOf(came.status));
  if (action.verb === 'list' && action.payloads !== null) found.push(...checkList(action.payloads, came));
  if (action.verb === 'call' && came.call !== null) {
    found.push(...checkReturn(action.returns, came.call), ...checkBuffers(action.buffers, came.call));
  }
  if (expect.console !== undefined) found.push(...checkConsole(expect.console, came.console));
  return found;
}

function checkPanic(expected: PanicExpectation, came: Came, lines: ConsoleExpectation | undefined): ScenarioMismatch[] {
  const { panic } = came;
  if (panic === null) {
    const result = came.rc === null ? 'it lives' : `it lives; the step came to ${errnoOf(came.rc)}`;
    return [{ field: 'panic', expected: 'the host panics', came: result }];
  }
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
  if (lines !== undefined) found.push(...checkConsole(lines, [...came.console, ...panic.screen]));
  return found;
}

const addressOf = ({ address }: HostPanic): ObservedValue => (address === null ? null : hexAddress(address));

/** What does not hold of the lines. */
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

function checkList(expected: readonly ExpectedEntry[], { list }: Came): ScenarioMismatch[] {
  const text = (name: string, state: string | null | undefined, rc: ObservedValue | undefined): string =>
    [name, ...(state === undefined ? [] : [state]), ...(rc === undefined ? [] : [`rc ${rc}`])].join(' ');
  const wanted = expected.map(({ name, state, rc }) => text(name, state, rc));
  // Only what is expected of an entry is compared, and shown.
  const came = (list ?? []).map(({ name, state, rc }, i) => {
    const entry = expected[i];
    return text(name, entry?.state && state, entry?.rc === undefined ? undefined : errnoOf(rc));
  });
  const same = wanted.length === came.length && wanted.every((line, i) => line === came[i]);
  return same ? [] : [{ field: 'list', expected: wanted, came }];
}

/** The result as an `int` of C, which has the low 32 bits: what is above them is left to chance. */
const lowInt = (value: bigint): bigint => BigInt.asIntN(32, value);

const fitsInt = (value: bigint): boolean => BigInt.asIntN(32, value) === value;

function checkReturn(expected: ExpectedReturn | null, { result, string }: CameCall): ScenarioMismatch[] {
  if (expected === null) return [];
  if (result.result === null) return [{ field: 'returns', expected: 'the function returns', came: null }];
  const found: ScenarioMismatch[] = [];
  const value = result.result;
  const { int, errno } = expected;
  if (int !== undefined) {
    // The register of a function that returns a negative int has zeroes above it.
    const narrow = int < 0n && fitsInt(int) && value >> 32n === 0n;
    if (narrow ? lowInt(value) !== int : BigInt.asUintN(64, int) !== value) {
      found.push({ field: 'returns.int', expected: integerText(int), came: integerText(value) });
    }
  }
  if (errno !== undefined && lowInt(value) !== BigInt(errnoNumber(errno))) {
    const came = errnoOf(Number(lowInt(value)));
    found.push({ field: 'returns.errno', expected: errno, came: lowInt(value) > 0n ? integerText(value) : came });
  }
  if (expected.string !== undefined && expected.string !== string) {
    found.push({ field: 'returns.string', expected: expected.string, came: string });
  }
  return found;
}

const errnoNumber = (errno: Errno | 0): number => (errno === 0 ? 0 : -ERRNO[errno]);

/** Small numbers as they are, others in hex. */
const integerText = (value: bigint): ObservedValue => (value < 1n << 16n ? Number(value) : `0x${value.toString(16)}`);

/** Bytes of a buffer that are shown. */
const SHOWN = 64;

const shown = (bytes: Uint8Array): string =>
  bytes.length <= SHOWN ? hex(bytes) : `${hex(bytes.subarray(0, SHOWN))}… (${bytes.length} bytes)`;

function checkBuffers(expected: readonly ExpectedBuffer[] | null, { result }: CameCall): ScenarioMismatch[] {
  const found: ScenarioMismatch[] = [];
  for (const [i, wanted] of (expected ?? []).entries()) {
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
    // From a little before where they part: the rest of a large buffer is the same.
    const from = bytes.length <= SHOWN ? 0 : Math.max(0, (first < 0 ? Math.min(bytes.length, came.length) : first) - 8);
    const at = from === 0 ? '' : `+${from}: `;
    found.push({ field, expected: at + shown(bytes.subarray(from)), came: at + shown(came.subarray(from)) });
  }
  return found;
}

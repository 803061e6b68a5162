import { fromHex, XspliceError } from '../base/index.ts';
import { type CallArgument, type CallResult, ERRNO, type FunctionCall } from '../xen/index.ts';

/** A call that the user asked for, and what it has to return while the payload is applied. */
export interface PlannedCall {
  /** As the user wrote it, without the expected result. A byte string. */
  readonly text: string;
  readonly call: FunctionCall;
  /** `null` if any result will do. */
  readonly expected: { readonly int: bigint } | { readonly string: string } | null;
}

const HINT =
  'as in xen_extra_version(), memcmp("a", "b", 1) = -1, fill(zero(64), 0x40) = 0, parse("x") = EINVAL, name() = "text"';

/** Largest buffer of a call, in bytes. */
const MOST_ZEROES = 1 << 20;

/**
 * Parses `NAME(ARGUMENT, …)`, optionally followed by ` = EXPECTED`. Arguments are whole numbers, `"text"` with C's escapes, `zero(N)` for N zero
 * bytes and `[68 69]` for bytes. The expected result is a number, `"text"`, or the name of an errno. `text` is a byte string. Throws an
 * XspliceError (EUSAGE) for any other syntax.
 */
export function plannedCall(text: string): PlannedCall {
  const reader = new Reader(text);
  const name = reader.take(/[^\s()"[\],=]+/y, 'the name of a function');
  reader.expect('(');
  const args: CallArgument[] = [];
  while (!reader.skips(')')) {
    if (args.length > 0) reader.expect(',');
    args.push(reader.argument());
  }
  const called = reader.before();
  const expected = reader.skips('=') ? reader.expectation() : null;
  reader.end();
  return { text: called, call: { function: name, args }, expected };
}

/** Describes how a result differs from what is expected; `null` if it does not. `string` is the text that the result points to. */
export function unexpected({ expected }: PlannedCall, { result }: CallResult, string: string | null): string | null {
  if (expected === null || result === null) return null;
  if ('string' in expected) {
    if (string === expected.string) return null;
    return `it returned ${string === null ? resultNumber(result) : JSON.stringify(string)}, expected ${JSON.stringify(expected.string)}`;
  }
  return sameInteger(expected.int, result) ? null : `it returned ${resultNumber(result)}, expected ${expected.int}`;
}

/** Compares integers. Most functions return an int, which leaves the register's upper half undefined. */
export const sameInteger = (expected: bigint, result: bigint): boolean =>
  BigInt.asUintN(64, expected) === result ||
  (BigInt.asIntN(32, expected) === expected && BigInt.asIntN(32, result) === expected);

/** Formats a result: small numbers in decimal, with their sign, others in hex. */
export const resultNumber = (result: bigint): string => {
  const short = BigInt.asIntN(32, result);
  const isInt = BigInt.asUintN(32, result) === result || BigInt.asIntN(64, result) === short;
  return isInt && short > -4096n && short < 1n << 31n ? String(short) : `0x${result.toString(16)}`;
};

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '0': '\0', '"': '"', '\\': '\\' };

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Returns the text that was read so far. */
  before(): string {
    return this.#text.slice(0, this.#at).trim();
  }

  argument(): CallArgument {
    if (this.#peek() === '"') return { kind: 'string', text: this.#string() };
    if (this.skips('[')) {
      const digits = this.take(/[0-9a-fA-F\s]*/y, 'bytes in hex digits').replace(/\s/g, '');
      const bytes = fromHex(digits.toLowerCase());
      if (bytes === undefined) throw this.#wrong('whole bytes, as in [68 69 00]');
      this.expect(']');
      return { kind: 'buffer', bytes };
    }
    if (/^zero\s*\(/.test(this.#rest())) {
      this.take(/zero/y, 'zero');
      this.expect('(');
      const size = Number(this.#integer());
      if (!(size >= 1 && size <= MOST_ZEROES)) throw this.#wrong(`1 to ${MOST_ZEROES} bytes`);
      this.expect(')');
      return { kind: 'buffer', bytes: new Uint8Array(size) };
    }
    return { kind: 'int', value: this.#integer() };
  }

  expectation(): { int: bigint } | { string: string } {
    if (this.#peek() === '"') return { string: this.#string() };
    const errno = /^-?(E[A-Z0-9]+)/.exec(this.#rest());
    if (errno === null) return { int: this.#integer() };
    const value = (ERRNO as Readonly<Record<string, number>>)[errno[1] as string];
    if (value === undefined) throw this.#wrong('the name of an errno that Xen has');
    this.#at += errno[0].length;
    return { int: BigInt(-value) };
  }

  take(pattern: RegExp, what: string): string {
    this.#blanks();
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined || (found === '' && what.startsWith('the name'))) throw this.#wrong(what);
    this.#at += found.length;
    return found;
  }

  skips(mark: string): boolean {
    if (this.#peek() !== mark) return false;
    this.#at++;
    return true;
  }

  expect(mark: string): void {
    if (!this.skips(mark)) throw this.#wrong(mark);
  }

  end(): void {
    if (this.#peek() !== undefined) throw this.#wrong('nothing more');
  }

  #integer(): bigint {
    const digits = this.take(/-?(?:0x[0-9a-fA-F]+|\d+)/y, 'a number, "text", [bytes] or zero(N)');
    const value = digits.startsWith('-') ? -BigInt(digits.slice(1)) : BigInt(digits);
    if (BigInt.asUintN(64, value) !== value && BigInt.asIntN(64, value) !== value) throw this.#wrong('64 bits');
    return value;
  }

  #string(): string {
    const quoted = this.take(/"(?:[^"\\]|\\.)*"/sy, 'text in double quotes').slice(1, -1);
    return quoted.replace(/\\(x[0-9a-fA-F]{2}|.)/gs, (_, code: string) =>
      code.length === 3 ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : (ESCAPES[code] ?? code),
    );
  }

  #blanks(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
  }

  #peek(): string | undefined {
    this.#blanks();
    return this.#text[this.#at];
  }

  #rest(): string {
    this.#blanks();
    return this.#text.slice(this.#at);
  }

  #wrong(wanted: string): XspliceError {
    const there = this.#rest();
    const what = there === '' ? 'it ends there' : `there is ${there.slice(0, 20)}`;
    return new XspliceError(
      'EUSAGE',
      `call ${this.#text}: expected ${wanted} at character ${this.#at + 1}; ${what}`,
      HINT,
    );
  }
}

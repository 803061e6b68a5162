import { fromWords, latin1 } from '../base/index.ts';
import type { NumberSpec } from './number-text.ts';
import { pointerConversion } from './pointer-formats.ts';
import type { ArgumentSource } from './printk-arguments.ts';
import type { PrintkMachine, PrintkMemory } from './printk-machine.ts';
import { PrintkOutput } from './printk-output.ts';

/**
 * Xen's vsnprintf on the raw arguments of running code: the text of a printk in the machine. `log-format.ts` formats our own values.
 *
 * Source: xen/common/vsprintf.c, vsnprintf and what it calls. From 4.11 to 4.22 only the suffixes of `%p` changed
 * (`PointerFormatRules`). There is no `hh` and no `t`: such a conversion prints literally and takes no argument.
 */

/** Result of vsnprintf. */
export interface Formatted {
  /** Contents of the buffer up to its final NUL. A `%c` of 0 is U+0000. */
  readonly text: string;
  /** Return value of vsnprintf: the length of the full text. An int: it wraps at 2^31. */
  readonly length: number;
}

const BASES: Readonly<Record<string, number>> = { d: 10, i: 10, u: 10, o: 8, x: 16, X: 16 };
const PAGE_SIZE = 4096;
const PAGE_MASK = BigInt(PAGE_SIZE - 1);
/** Longest string to read; bounds the work on an unterminated one in mapped memory. */
const STRING_MAX = 1 << 20;

/** Reads a string up to its NUL, `limit` bytes, or {@link STRING_MAX}; page by page, as needed. */
function readString(memory: PrintkMemory, address: bigint, limit: number): string {
  const most = Math.min(limit, STRING_MAX);
  let text = '';
  for (let at = address; text.length < most; ) {
    const toPageEnd = PAGE_SIZE - Number(at & PAGE_MASK);
    const bytes = memory.read(at, Math.min(toPageEnd, most - text.length));
    const end = bytes.indexOf(0);
    if (end >= 0) return text + latin1(bytes.subarray(0, end));
    text += latin1(bytes);
    at = BigInt.asUintN(64, at + BigInt(bytes.length));
  }
  return text;
}

/** A conversion, and its position in the format. */
interface Conversion extends NumberSpec {
  readonly qualifier: string;
  /** Index of the conversion's letter. */
  readonly at: number;
}

/** Reads digits from `at`; wraps like C's int. */
function skipAtoi(format: string, at: number): { value: number; at: number } {
  let value = 0;
  let next = at;
  for (; isDigit(format[next]); next++) value = (Math.imul(value, 10) + Number(format[next])) | 0;
  return { value, at: next };
}

const isDigit = (char: string | undefined): boolean => char !== undefined && char >= '0' && char <= '9';

/** Reads flags, width, precision and qualifier after the `%` at `percent`. */
function readConversion(format: string, percent: number, args: ArgumentSource): Conversion {
  let at = percent + 1;
  while ('-+ #0'.includes(format[at] ?? '.')) at++;
  let flags = format.slice(percent + 1, at);

  let width = -1;
  if (isDigit(format[at])) ({ value: width, at } = skipAtoi(format, at));
  else if (format[at] === '*') {
    at++;
    width = toInt(args.next(4));
    if (width < 0) {
      width = -width | 0;
      flags += '-';
    }
  }

  let precision = -1;
  if (format[at] === '.') {
    at++;
    if (isDigit(format[at])) ({ value: precision, at } = skipAtoi(format, at));
    else if (format[at] === '*') {
      at++;
      precision = toInt(args.next(4));
    }
    precision = Math.max(0, precision);
  }

  let qualifier = '';
  if ('hlLZz'.includes(format[at] ?? '.')) {
    qualifier = format[at] as string;
    at++;
    if (qualifier === 'l' && format[at] === 'l') {
      qualifier = 'L';
      at++;
    }
  }
  return { flags, width, precision, qualifier, at };
}

const toInt = (raw: bigint): number => Number(BigInt.asIntN(32, raw));

/** Reads an integer argument with the signedness of its conversion. */
function integer(args: ArgumentSource, qualifier: string, signed: boolean, pointerSize: 4 | 8): bigint {
  if (qualifier === 'L') return (signed ? BigInt.asIntN : BigInt.asUintN)(64, args.next(8));
  const bits = { l: pointerSize * 8, h: 16, z: pointerSize * 8, Z: pointerSize * 8 }[qualifier] ?? 32;
  const raw = args.next(qualifier === 'h' || qualifier === '' ? 4 : pointerSize);
  // size_t is unsigned whatever the conversion, but its sign shows in 64 bits.
  if (qualifier === 'z' || qualifier === 'Z') {
    const size = BigInt.asUintN(bits, raw);
    return signed ? BigInt.asIntN(64, size) : size;
  }
  return (signed ? BigInt.asIntN : BigInt.asUintN)(bits, raw);
}

/** Stores the length for `%n`. */
function storeLength(args: ArgumentSource, { qualifier }: Conversion, length: number, machine: PrintkMachine): void {
  const { pointerSize, memory } = machine;
  const address = BigInt.asUintN(pointerSize * 8, args.next(pointerSize));
  const bytes = new Uint8Array('lzZ'.includes(qualifier || '.') ? pointerSize : 4);
  const view = new DataView(bytes.buffer);
  if (bytes.length === 8) view.setBigUint64(0, fromWords(length | 0, Math.floor(length / 2 ** 32)), true);
  else view.setUint32(0, length | 0, true);
  memory.write(address, bytes);
}

/**
 * Formats like vsnprintf with a buffer of `size` bytes (including the NUL; 0 only counts). `format` is the template, one character
 * per byte, up to its NUL; conversions take from `args`. Reading memory may throw (`PrintkMemory`), as the machine would fault. A
 * width of -2^31 is undefined in Xen's C; here it pads nothing.
 */
export function vsnprintf(size: number, format: string, args: ArgumentSource, machine: PrintkMachine): Formatted {
  const out = new PrintkOutput(size);
  for (let at = 0; at < format.length; ) {
    const percent = format.indexOf('%', at);
    out.put(format.slice(at, percent < 0 ? undefined : percent));
    if (percent < 0) break;
    const spec = readConversion(format, percent, args);
    at = convert(out, format, spec, args, machine);
  }
  return { text: out.text, length: out.length | 0 };
}

/** Handles one conversion; returns the index after it. */
function convert(
  out: PrintkOutput,
  format: string,
  spec: Conversion,
  args: ArgumentSource,
  machine: PrintkMachine,
): number {
  const letter = format[spec.at] ?? '';
  const next = spec.at + 1;
  switch (letter) {
    case 'c': {
      const left = spec.flags.includes('-');
      if (!left) out.fill(' ', spec.width - 1);
      out.put(String.fromCharCode(Number(args.next(4) & 0xffn)));
      if (left) out.fill(' ', spec.width - 1);
      return next;
    }
    case 's':
      putString(out, spec, args, machine);
      return next;
    case 'p':
      return pointerConversion(out, format, next, spec, args, machine);
    case 'n':
      storeLength(args, spec, out.length, machine);
      return next;
    case 'o':
    case 'x':
    case 'X':
    case 'd':
    case 'i':
    case 'u': {
      const signed = letter === 'd' || letter === 'i';
      const value = integer(args, spec.qualifier, signed, machine.pointerSize);
      out.number(value, BASES[letter] as number, signed, spec, letter === 'X');
      return next;
    }
    case '%':
      out.put('%');
      return next;
    default:
      out.put(`%${letter}`);
      return next;
  }
}

/** Prints a string. A pointer into the first page, such as NULL, prints as `<NULL>`. */
function putString(out: PrintkOutput, spec: Conversion, args: ArgumentSource, machine: PrintkMachine): void {
  const { pointerSize, memory } = machine;
  const address = BigInt.asUintN(pointerSize * 8, args.next(pointerSize));
  const limit = spec.precision < 0 ? Number.POSITIVE_INFINITY : spec.precision;
  const text = address < PAGE_SIZE ? '<NULL>'.slice(0, limit) : readString(memory, address, limit);
  const missing = spec.width - text.length;
  const left = spec.flags.includes('-');
  if (!left) out.fill(' ', missing);
  out.put(text);
  if (left) out.fill(' ', missing);
}

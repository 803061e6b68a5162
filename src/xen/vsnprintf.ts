import { fromWords, latin1 } from '../base/index.ts';
import type { NumberSpec } from './number-text.ts';
import { pointerConversion } from './pointer-formats.ts';
import type { ArgumentSource } from './printk-arguments.ts';
import type { PrintkMachine, PrintkMemory } from './printk-machine.ts';
import { PrintkOutput } from './printk-output.ts';

/**
 * Xen's vsnprintf on the raw arguments of code that runs: the text that a printk of the machine makes. `log-format.ts`
 * formats the values that we have ourselves.
 *
 * Source: xen/common/vsprintf.c, vsnprintf and what it calls. From 4.11 to 4.22 only the suffixes of `%p` changed
 * (`PointerFormatRules`). There is no `hh` and no `t`: such a conversion prints as it stands, and takes no argument.
 */

/** What vsnprintf makes. */
export interface Formatted {
  /** The buffer's contents up to the NUL that ends it. A `%c` of 0 is in it as U+0000. */
  readonly text: string;
  /** What vsnprintf returns: the length of the text in a buffer without end. An int: it wraps at 2^31. */
  readonly length: number;
}

const BASES: Readonly<Record<string, number>> = { d: 10, i: 10, u: 10, o: 8, x: 16, X: 16 };
const PAGE_SIZE = 4096;
const PAGE_MASK = BigInt(PAGE_SIZE - 1);
/** Longest string that is read; one without end in mapped memory would otherwise keep us for as long as the memory is. */
const STRING_MAX = 1 << 20;

/** `*s` from its address: up to its NUL, to `limit` bytes, or to {@link STRING_MAX}. Page by page, as far as needed. */
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

/** A conversion that is being read, and where in the format. */
interface Conversion extends NumberSpec {
  readonly qualifier: string;
  /** Index of the conversion's letter. */
  readonly at: number;
}

/** Digits from `at` on, wrapped as C's int does. */
function skipAtoi(format: string, at: number): { value: number; at: number } {
  let value = 0;
  let next = at;
  for (; isDigit(format[next]); next++) value = (Math.imul(value, 10) + Number(format[next])) | 0;
  return { value, at: next };
}

const isDigit = (char: string | undefined): boolean => char !== undefined && char >= '0' && char <= '9';

/** Flags, width, precision and qualifier behind the `%` at `percent`. */
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

/** An integer argument of a conversion, as signed or unsigned as it is printed. */
function integer(args: ArgumentSource, qualifier: string, signed: boolean, pointerSize: 4 | 8): bigint {
  if (qualifier === 'L') return (signed ? BigInt.asIntN : BigInt.asUintN)(64, args.next(8));
  const bits = { l: pointerSize * 8, h: 16, z: pointerSize * 8, Z: pointerSize * 8 }[qualifier] ?? 32;
  const raw = args.next(qualifier === 'h' || qualifier === '' ? 4 : pointerSize);
  // size_t is unsigned, whatever the conversion; in 64 bits its sign shows all the same.
  if (qualifier === 'z' || qualifier === 'Z') {
    const size = BigInt.asUintN(bits, raw);
    return signed ? BigInt.asIntN(64, size) : size;
  }
  return (signed ? BigInt.asIntN : BigInt.asUintN)(bits, raw);
}

/** Where `%n` stores the length, and how wide. */
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
 * Formats as vsnprintf of a buffer of `size` bytes (its NUL included; 0 only counts). `format` is the template's bytes,
 * one character each, up to its NUL; `args` are taken from as the conversions ask for them. Reading memory may throw
 * (`PrintkMemory`), as the machine would fault. A width of -2^31 is undefined in Xen's C; here it pads nothing.
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

/** One conversion; gives the index behind it. */
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

/** A NULL pointer, and any other into the first page, prints as `<NULL>`. */
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

import { hex, pointerText } from '../base/index.ts';
import { type NumberSpec, numberText } from './number-text.ts';

/**
 * An argument of a message. `null` is a NULL pointer, for `%s` and `%ps`. `%ps` takes the symbol's text, or an address to print as
 * is; `%ph` takes bytes.
 */
export type FormatArg = number | bigint | string | null | Uint8Array;

/** `%` flags width precision length conversion, and for `%p` one of Xen's suffixes. */
const SPEC = /%([-+ #0]*)(\*|\d+)?(?:\.(\*|\d*))?(h|ll|l|L|z|Z)?(p(?:h[CDN]?|[dsSv])?|[diuxXosc%])/g;

/** `%*ph` prints at most this many bytes. Source: xen/common/vsprintf.c, pointer. */
const HEX_DUMP_MAX = 64;

/** Separators of `%ph`: a blank, or depending on the suffix. */
const SEPARATORS: Readonly<Record<string, string>> = { ph: ' ', phC: ':', phD: '-', phN: '' };

interface Spec extends NumberSpec {
  /** Bits of an integer argument. */
  readonly bits: number;
}

const BASES: Readonly<Record<string, number>> = { d: 10, i: 10, u: 10, o: 8, x: 16, X: 16 };

function pad(text: string, spec: Spec): string {
  return spec.flags.includes('-') ? text.padEnd(spec.width) : text.padStart(spec.width);
}

const integer = (arg: FormatArg | undefined): bigint => {
  if (typeof arg === 'bigint') return arg;
  return typeof arg === 'number' && Number.isFinite(arg) ? BigInt(Math.trunc(arg)) : 0n;
};

function stringText(arg: FormatArg | undefined, spec: Spec): string {
  const text = typeof arg === 'string' ? arg : '<NULL>';
  return pad(spec.precision >= 0 ? text.slice(0, spec.precision) : text, spec);
}

function hexDump(conversion: string, arg: FormatArg | undefined, spec: Spec): string {
  const bytes = arg instanceof Uint8Array ? arg : new Uint8Array(0);
  // The width is the number of bytes; -1 means none given.
  const count = Math.min(Math.max(spec.width, 0), HEX_DUMP_MAX);
  return hex(bytes.subarray(0, count), SEPARATORS[conversion]);
}

/** Limit of field and precision: the template is ours, but its `*` may come from a payload. */
const FIELD_MAX = 1024;

/** Returns a formatter for this pointer size. It determines the digits of `%p`, and the size of `long` and `size_t`. See {@link format}. */
export function formatter(pointerSize: 4 | 8): (template: string, ...args: readonly FormatArg[]) => string {
  const longBits = pointerSize * 8;
  const bitsOf: Readonly<Record<string, number>> = {
    h: 16,
    l: longBits,
    z: longBits,
    Z: longBits,
    ll: 64,
    L: 64,
  };
  return (template, ...args) => {
    let next = 0;
    const take = (): FormatArg | undefined => args[next++];
    const field = (text: string | undefined): number => {
      if (text === undefined) return -1;
      const value = text === '*' ? Number(BigInt.asIntN(32, integer(take()))) : Number(text);
      return Math.max(-FIELD_MAX, Math.min(FIELD_MAX, value));
    };
    return template.replace(SPEC, (_all, flags: string, width, precision, length, conversion: string) => {
      if (conversion === '%') return '%';
      let size = field(width);
      // A negative width from `*` pads on the right.
      const left = width === '*' && size < 0;
      if (left) size = -size;
      const spec: Spec = {
        flags: left ? `${flags}-` : flags,
        width: size,
        precision: precision === undefined ? -1 : Math.max(0, field(precision)),
        bits: bitsOf[length as string] ?? 32,
      };
      const arg = take();
      if (conversion === 's') return stringText(arg, spec);
      if (conversion === 'c') return pad(String.fromCharCode(Number(integer(arg) & 0xffn)), spec);
      if (conversion.startsWith('ph')) return hexDump(conversion, arg, spec);
      if (conversion === 'pd' || conversion === 'pv') return typeof arg === 'string' ? arg : `d${integer(arg)}`;
      if (conversion.startsWith('p')) {
        if (typeof arg === 'string') return arg;
        const address = BigInt.asUintN(longBits, integer(arg));
        if (spec.width < 0) return pointerText(address, pointerSize);
        return numberText(address, 16, false, spec);
      }
      const signed = conversion === 'd' || conversion === 'i';
      const wrap = signed ? BigInt.asIntN : BigInt.asUintN;
      const text = numberText(wrap(spec.bits, integer(arg)), BASES[conversion] as number, signed, spec);
      return conversion === 'X' ? text.toUpperCase() : text;
    });
  };
}

/**
 * Formats like Xen's printk on a 64-bit machine: `%s %c %d %i %u %o %x %X` with flags, width, precision and length, `%p` (16 digits,
 * no `0x`), `%*ph` with `C`, `D` and `N`, `%pd` (a domain's number), `%ps` (symbol text). Integers wrap to the printed length; a
 * missing argument prints as 0 or `<NULL>`.
 *
 * Source: xen/common/vsprintf.c, docs/misc/printk-formats.txt.
 */
export const format = formatter(8);

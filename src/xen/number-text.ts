/** How a number is to be printed. Source: xen/common/vsprintf.c, number. */
export interface NumberSpec {
  /** Any of `-+ #0`. */
  readonly flags: string;
  /** Least characters; negative: none asked for. */
  readonly width: number;
  /** Least digits; negative: none asked for. */
  readonly precision: number;
}

/** The pieces of a printed number, in the order in which they are printed. Padding is counted: a width may be huge. */
export interface NumberParts {
  /** Blanks in front. */
  readonly before: number;
  /** Sign and prefix. */
  readonly head: string;
  /** Zeros between those and the digits. */
  readonly zeros: number;
  readonly digits: string;
  /** Blanks behind. */
  readonly after: number;
}

/**
 * A number with sign, prefix and padding. `value` is negative only where `signed`; `base` is 8, 10 or 16.
 * Source: xen/common/vsprintf.c, number.
 */
export function numberParts(value: bigint, base: number, signed: boolean, spec: NumberSpec): NumberParts {
  const { flags, width, precision } = spec;
  let sign = '';
  if (signed) {
    if (value < 0n) sign = '-';
    else if (flags.includes('+')) sign = '+';
    else if (flags.includes(' ')) sign = ' ';
  }
  const magnitude = value < 0n ? -value : value;
  // Unlike C's, Xen's `#` changes nothing about a zero, in octal neither.
  const prefix = flags.includes('#') && magnitude !== 0n ? ({ 16: '0x', 8: '0' }[base] ?? '') : '';
  const head = sign + prefix;
  const digits = magnitude.toString(base);
  const least = Math.max(0, precision - digits.length);
  const missing = Math.max(0, width - head.length - least - digits.length);
  if (flags.includes('-')) return { before: 0, head, zeros: least, digits, after: missing };
  // A precision does not cancel the 0 flag here, as it does in C.
  if (flags.includes('0')) return { before: 0, head, zeros: missing + least, digits, after: 0 };
  return { before: missing, head, zeros: least, digits, after: 0 };
}

/** {@link numberParts} as text, for a width and a precision that somebody has bounded. */
export function numberText(value: bigint, base: number, signed: boolean, spec: NumberSpec): string {
  const { before, head, zeros, digits, after } = numberParts(value, base, signed, spec);
  return ' '.repeat(before) + head + '0'.repeat(zeros) + digits + ' '.repeat(after);
}

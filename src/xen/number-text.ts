/** Format of a number. Source: xen/common/vsprintf.c, number. */
export interface NumberSpec {
  /** Any of `-+ #0`. */
  readonly flags: string;
  /** Minimum characters; negative if not given. */
  readonly width: number;
  /** Minimum digits; negative if not given. */
  readonly precision: number;
}

/** Parts of a printed number, in printed order. Padding is a count, because a width may be huge. */
export interface NumberParts {
  /** Leading blanks. */
  readonly before: number;
  /** Sign and prefix. */
  readonly head: string;
  /** Zeros between the prefix and the digits. */
  readonly zeros: number;
  readonly digits: string;
  /** Trailing blanks. */
  readonly after: number;
}

/**
 * Formats a number with sign, prefix and padding. `value` is negative only if `signed`; `base` is 8, 10 or 16.
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
  // Unlike in C, `#` adds nothing to a zero, even in octal.
  const prefix = flags.includes('#') && magnitude !== 0n ? ({ 16: '0x', 8: '0' }[base] ?? '') : '';
  const head = sign + prefix;
  const digits = magnitude.toString(base);
  const least = Math.max(0, precision - digits.length);
  const missing = Math.max(0, width - head.length - least - digits.length);
  if (flags.includes('-')) return { before: 0, head, zeros: least, digits, after: missing };
  // Unlike in C, a precision does not cancel the 0 flag.
  if (flags.includes('0')) return { before: 0, head, zeros: missing + least, digits, after: 0 };
  return { before: missing, head, zeros: least, digits, after: 0 };
}

/** Returns {@link numberParts} as text. The caller bounds width and precision. */
export function numberText(value: bigint, base: number, signed: boolean, spec: NumberSpec): string {
  const { before, head, zeros, digits, after } = numberParts(value, base, signed, spec);
  return ' '.repeat(before) + head + '0'.repeat(zeros) + digits + ' '.repeat(after);
}

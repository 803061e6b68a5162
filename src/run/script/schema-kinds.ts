/** The kinds of values in a scenario file, as zod schemas with our own messages. */
import * as z from 'zod';
import { fromHex } from '../../base/index.ts';
import { HINT } from './check-value.ts';
import { didYouMean } from './did-you-mean.ts';

/** A mapping with no other keys than these. The message for an unknown key lists them. */
export const keyed = <S extends z.ZodRawShape>(shape: S) => {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return 'has to be a mapping';
      const key = String((issue as { keys?: readonly string[] }).keys?.[0]);
      return `unknown key ${key}${didYouMean(key, known)}${HINT}known keys: ${known.join(', ')}`;
    },
  });
};

/** Text that is not empty. */
export const text = z
  .string({ error: (issue) => (issue.input === undefined ? 'is missing' : 'has to be text: put it into quotes') })
  .min(1, 'is empty');

/** One of several words. */
export const oneOf = <const W extends readonly [string, ...string[]]>(words: W) =>
  z.enum(words, {
    error: ({ input }) =>
      `has to be one of ${words.join(', ')}${typeof input === 'string' ? didYouMean(input, words) : ''}`,
  });

/** `true` or `false`, which a variable or a matrix may give as text. */
export const yesOrNo = z
  .union([z.boolean(), z.literal('true'), z.literal('false')], { error: 'has to be true or false' })
  .transform((value) => value === true || value === 'true');

const INTEGER = /^-?(?:0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})$/;

/** Parses a whole number, decimal or `0x…`, exactly. Returns `undefined` for any other text. */
export function readInteger(digits: string): bigint | undefined {
  if (!INTEGER.test(digits)) return undefined;
  return digits.startsWith('-') ? -BigInt(digits.slice(1)) : BigInt(digits);
}

/** A whole number within bounds, as a number or as text (decimal or `0x…`). It is exact. */
export const integer = (least: bigint, most: bigint) => {
  const error = `has to be a whole number from ${least} to ${most < 1n << 32n ? most : `0x${most.toString(16)}`}`;
  return z.union([z.bigint(), z.string().regex(INTEGER, error)], { error }).transform((value, context) => {
    const number = typeof value === 'bigint' ? value : readInteger(value);
    if (number !== undefined && number >= least && number <= most) return number;
    context.issues.push({ code: 'custom', message: error, input: value });
    return z.NEVER;
  });
};

/** A size, count or index. */
export const count = (least: number, most: number) =>
  integer(BigInt(least), BigInt(most)).transform((value) => Number(value));

const DURATION = /^([0-9]{1,16})(ns|us|ms|s)?$/;
const UNITS: Readonly<Record<string, bigint>> = { ns: 1n, us: 1000n, ms: 1_000_000n, s: 1_000_000_000n };

/** Nanoseconds, as a number or as text with a unit. */
export const duration = (most: bigint) => {
  const error = `has to be nanoseconds up to ${most}, or a number with ns, us, ms or s`;
  return z.union([z.bigint(), z.string().regex(DURATION, error)], { error }).transform((value, context) => {
    const [, digits = '0', unit = 'ns'] = DURATION.exec(String(value)) ?? [];
    const time = typeof value === 'bigint' ? value : BigInt(digits) * (UNITS[unit] ?? 1n);
    if (time >= 0n && time <= most) return Number(time);
    context.issues.push({ code: 'custom', message: error, input: value });
    return z.NEVER;
  });
};

/** Bytes as hex digits. */
export const bytesText = z.string({ error: 'has to be hex digits in quotes' }).transform((digits, context) => {
  const bytes = fromHex(digits);
  if (bytes !== undefined) return bytes;
  context.issues.push({ code: 'custom', message: 'has to be hex digits, two for each byte', input: digits });
  return z.NEVER;
});

import { InvalidArgumentError } from 'commander';
import { fromHex } from '../base/index.ts';
import type { StaticChoice } from '../diff/index.ts';
import { toByteString } from './byte-string.ts';

/** Parses a number within bounds, decimal or `0x…`. Throws commander's error, which names the option. */
export function integer(text: string, least: number, most: number): number {
  const value = /^(\d+|0x[0-9a-f]+)$/i.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new InvalidArgumentError(`Expected a number from ${least} to ${most}.`);
  }
  return value;
}

const UNITS: Readonly<Record<string, number>> = { '': 1, ns: 1, us: 1e3, ms: 1e6, s: 1e9 };

/** Parses nanoseconds: a number with an optional `ns`, `us`, `ms` or `s`. At most `most`. */
export function nanoseconds(text: string, most: number): number {
  const parts = /^(\d+)(ns|us|ms|s)?$/.exec(text);
  const value = parts === null ? Number.NaN : Number(parts[1]) * (UNITS[parts[2] ?? ''] as number);
  if (!(value <= most)) {
    throw new InvalidArgumentError(`Expected nanoseconds up to ${most}, or a number with ns, us, ms or s.`);
  }
  return value;
}

/** `timeout` of an action is 32 bits wide. Source: public/sysctl.h, struct xen_sysctl_livepatch_action. */
export const timeout = (text: string): number => nanoseconds(text, 0xffff_ffff);

/** Upper bound of simulated CPUs, far above Xen's default limit. */
export const MOST_CPUS = 4095;

export const cpuCount = (text: string): number => integer(text, 1, MOST_CPUS);

/** Parses CPU numbers separated by commas, and adds them to `before`. */
export const cpuList = (text: string, before: readonly number[] = []): number[] => [
  ...new Set([...before, ...text.split(',').map((part) => integer(part, 0, MOST_CPUS - 1))]),
];

/** Parses `CPU=NS`, and adds it to `before`. */
export function lateCpu(text: string, before: Readonly<Record<number, number>> = {}): Record<number, number> {
  const parts = /^([^=]+)=(.+)$/.exec(text);
  if (parts === null) throw new InvalidArgumentError('Expected CPU=NS, for example 1=40ms.');
  const cpu = integer(parts[1] as string, 0, MOST_CPUS - 1);
  return { ...before, [cpu]: nanoseconds(parts[2] as string, Number.MAX_SAFE_INTEGER) };
}

/** Converts an argument to a byte string, and adds it to `before`. */
export const texts = (text: string, before: readonly string[] = []): string[] => [...before, toByteString(text)];

/** Parses `[FILE#]AFTER=BEFORE` or `[FILE#]AFTER=new`, and adds it to `before`. */
export function staticChoices(text: string, before: readonly StaticChoice[] = []): StaticChoice[] {
  const parts = /^(?:([^#=]+)#)?([^#=]+)=([^#=]+)$/.exec(text);
  const [, file, after, old] = parts ?? [];
  if (after === undefined || old === undefined) {
    throw new InvalidArgumentError(
      'Expected FILE#AFTER=BEFORE or FILE#AFTER=new, for example common/timer.c#once_.1=once_.0.',
    );
  }
  const choice = { file: file === undefined ? null : toByteString(file), after: toByteString(after) };
  return [...before, { ...choice, before: old === 'new' ? null : toByteString(old) }];
}

/** Adds a path to `before`. */
export const paths = (text: string, before: readonly string[] = []): string[] => [...before, text];

/** Levels of Xen's `loglvl`. Source: xen/drivers/char/console.c, parse_log_level. */
export const LOG_LEVELS = ['none', 'error', 'warning', 'info', 'debug', 'all'] as const;

/** Parses `LEVEL` or `LOWER/UPPER`, like Xen's own option. */
export function logLevel(text: string): string {
  const parts = text.split('/');
  if (parts.length > 2 || !parts.every((part) => (LOG_LEVELS as readonly string[]).includes(part))) {
    throw new InvalidArgumentError(`Expected one of ${LOG_LEVELS.join(', ')}, or two of them as LOWER/UPPER.`);
  }
  return text;
}

/** Parses whole seconds, up to an hour. */
export const seconds = (text: string): number => integer(text, 1, 3600);

/** Parses a number of threads or processes. */
export const jobCount = (text: string): number => integer(text, 1, 256);

/** Longest build-id in bytes: SHA-512. */
const LONGEST_ID = 64;

/** Parses a build-id in hex digits. */
export function buildId(text: string): Uint8Array {
  const bytes = fromHex(text.toLowerCase());
  if (bytes === undefined || bytes.length === 0 || bytes.length > LONGEST_ID) {
    throw new InvalidArgumentError('Expected a build-id: hex digits, two per byte.');
  }
  return bytes;
}

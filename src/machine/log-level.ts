/**
 * The levels of Xen's printk: `XENLOG_ERR "<0>"` … `XENLOG_DEBUG "<3>"` (xen/include/xen/lib.h), most important first.
 */
export const LOG_LEVELS = ['ERR', 'WARNING', 'INFO', 'DEBUG'] as const;

export type Level = (typeof LOG_LEVELS)[number];

/** The level that a caller of printk gives, or none (`XENLOG_DEFAULT`). */
export type LogLevel = Level | 'DEFAULT';

/** Lines with a level number below `lower` are printed; those below `upper`, subject to the rate limit. */
export interface Thresholds {
  readonly lower: number;
  readonly upper: number;
}

/** The words of `loglvl=`, in the order in which Xen compares them (drivers/char/console.c, __parse_loglvl). */
const WORDS: readonly (readonly [word: string, threshold: number])[] = [
  ['none', 0],
  ['error', 1],
  ['warning', 2],
  ['info', 3],
  ['debug', 4],
  ['all', 4],
];

/** The threshold if no word matches. */
const FALLBACK = 2;

/** Prints everything: `loglvl=all`, and the default of debug builds. */
export const LOG_ALL: Thresholds = { lower: LOG_LEVELS.length, upper: LOG_LEVELS.length };

/** Returns the thresholds that print lines of a level and above. */
export function thresholdsFor(level: Level): Thresholds {
  const threshold = LOG_LEVELS.indexOf(level) + 1;
  return { lower: threshold, upper: threshold };
}

/**
 * Parses the command line's `loglvl=LOWER[/UPPER]`. Source: drivers/char/console.c, _parse_loglvl.
 *
 * @returns `undefined` if Xen would call the option malformed (it would then use what it understood)
 */
export function parseLogLevel(text: string): Thresholds | undefined {
  const [lower, afterLower] = word(text, 0);
  let upper = lower;
  let at = afterLower;
  if (text[at] === '/') [upper, at] = word(text, at + 1);
  return at === text.length ? { lower, upper: Math.max(lower, upper) } : undefined;
}

function word(text: string, at: number): [threshold: number, end: number] {
  for (const [name, threshold] of WORDS) if (text.startsWith(name, at)) return [threshold, at + name.length];
  return [FALLBACK, at];
}

import type { Style } from '../report/index.ts';
import { PLAIN } from '../report/index.ts';
import type { CliIo } from './io.ts';

export type ColorWhen = 'auto' | 'always' | 'never';

/**
 * Decides on colour: `--color` first, then NO_COLOR (no-color.org: any value but the empty one), then FORCE_COLOR (`0` and
 * `false` mean no), then whether the stream is a terminal other than `dumb`.
 */
export function wantsColor(when: ColorWhen, isTTY: boolean, env: CliIo['env']): boolean {
  if (when !== 'auto') return when === 'always';
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  const force = env['FORCE_COLOR'];
  if (force !== undefined && force !== '') return force !== '0' && force !== 'false';
  return isTTY && env['TERM'] !== 'dumb';
}

/** Range of widths in which tables stay readable. */
const NARROWEST = 80;
const WIDEST = 120;

/** Wraps text in the Select Graphic Rendition codes that start and end a style. Source: ECMA-48, section 8.3.117. */
const sgr =
  (begin: number, end: number) =>
  (text: string): string =>
    `\x1b[${begin}m${text}\x1b[${end}m`;

const COLORS = { bold: sgr(1, 22), dim: sgr(2, 22), red: sgr(31, 39), green: sgr(32, 39), yellow: sgr(33, 39) };

/** Returns the style of an output stream. */
export function styleFor(color: boolean, columns: number | undefined): Style {
  const width = columns === undefined ? PLAIN.width : Math.min(Math.max(columns, NARROWEST), WIDEST);
  return { ...(color ? COLORS : PLAIN), width };
}

import pc from 'picocolors';
import type { Style } from '../report/index.ts';
import { PLAIN } from '../report/index.ts';
import type { CliIo } from './io.ts';

export type ColorWhen = 'auto' | 'always' | 'never';

/**
 * Are colours wanted? `--color` decides, then NO_COLOR (no-color.org: any value but the empty one), then FORCE_COLOR
 * (`0` and `false` mean no), then whether the stream is a terminal that can do more than `dumb`.
 */
export function wantsColor(when: ColorWhen, isTTY: boolean, env: CliIo['env']): boolean {
  if (when !== 'auto') return when === 'always';
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  const force = env['FORCE_COLOR'];
  if (force !== undefined && force !== '') return force !== '0' && force !== 'false';
  return isTTY && env['TERM'] !== 'dumb';
}

/** Tables stay readable in this range, whatever the terminal's width is. */
const NARROWEST = 80;
const WIDEST = 120;

/** The style of one output stream. */
export function styleFor(color: boolean, columns: number | undefined): Style {
  const width = columns === undefined ? PLAIN.width : Math.min(Math.max(columns, NARROWEST), WIDEST);
  if (!color) return { ...PLAIN, width };
  const { bold, dim, red, green, yellow } = pc.createColors(true);
  return { bold, dim, red, green, yellow, width };
}

import { nextNumber } from './keep-lines.ts';
import { lineOrigins } from './line-origins.ts';
import { linesOf } from './text.ts';

/**
 * Returns the numbers of the lines of `before` that `after` lacks or renumbers. `after` comes from `keepLines`, so every other line
 * has the same number in both, and debug data names it.
 */
export function goneLines(before: string, after: string): Set<number> {
  const [old, now] = [linesOf(before), linesOf(after)];
  const gone = new Set(old.map((_, i) => i + 1));
  const origins = lineOrigins(old, now);
  let number = 1;
  now.forEach((line, i) => {
    const origin = origins[i] ?? -1;
    if (origin === number - 1) gone.delete(number);
    number = nextNumber(line, number);
  });
  return gone;
}

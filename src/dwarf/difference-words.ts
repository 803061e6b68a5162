import type { LayoutDifference } from './compare.ts';

/** Causes before consequences. */
const ORDER: readonly LayoutDifference['kind'][] = [
  'category',
  'added',
  'removed',
  'resized',
  'value',
  'size',
  'moved',
];

/** Maximum number of differences to list in a message. */
const LISTED_MAX = 4;

/** Joins differences to one text, causes first; `words` formats each. */
export function differencesInWords(
  differences: readonly LayoutDifference[],
  words: (difference: LayoutDifference) => string,
): string {
  const sorted = differences.toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
  const texts = sorted.slice(0, LISTED_MAX).map(words);
  if (sorted.length > LISTED_MAX) texts.push(`${sorted.length - LISTED_MAX} more`);
  return texts.join('; ');
}

/** Formats an offset in bits: `0x18`, `bit 3 of 0x18`. */
export function bitPlaceText(bits: number): string {
  const byte = `0x${Math.floor(bits / 8).toString(16)}`;
  return bits % 8 === 0 ? byte : `bit ${bits % 8} of ${byte}`;
}

/** Formats a size in bits: `4 bytes`, `3 bits`. */
export const bitCountText = (bits: number): string => (bits % 8 === 0 ? `${bits / 8} bytes` : `${bits} bits`);

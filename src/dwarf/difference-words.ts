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

/** Most differences that a message spells out. */
const SPELT_OUT = 4;

/** Differences as one text, causes first; `words` has the words for each. */
export function differencesInWords(
  differences: readonly LayoutDifference[],
  words: (difference: LayoutDifference) => string,
): string {
  const sorted = differences.toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
  const texts = sorted.slice(0, SPELT_OUT).map(words);
  if (sorted.length > SPELT_OUT) texts.push(`${sorted.length - SPELT_OUT} more`);
  return texts.join('; ');
}

/** A place in bits as bytes, where it is whole bytes: `0x18`, `bit 3 of 0x18`. */
export function bitPlaceText(bits: number): string {
  const byte = `0x${Math.floor(bits / 8).toString(16)}`;
  return bits % 8 === 0 ? byte : `bit ${bits % 8} of ${byte}`;
}

/** `4 bytes`, `3 bits`. */
export const bitCountText = (bits: number): string => (bits % 8 === 0 ? `${bits / 8} bytes` : `${bits} bits`);

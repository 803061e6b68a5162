import { nearestNames } from '../../base/index.ts';

const plain = (word: string): string => word.toLowerCase().replaceAll('-', '_');

/** `; did you mean get?`, or nothing. Capitals, and hyphens for underscores, count as the same. */
export function meant(word: string, known: readonly string[]): string {
  const [near] = nearestNames(plain(word), known.map(plain), 1);
  const found = known.find((each) => plain(each) === near);
  return found === undefined ? '' : `; did you mean ${found}?`;
}

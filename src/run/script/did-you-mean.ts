import { nearestNames } from '../../base/index.ts';

const plain = (word: string): string => word.toLowerCase().replaceAll('-', '_');

/** Returns `; did you mean get?`, or an empty text. Case does not matter, and a hyphen counts as an underscore. */
export function didYouMean(word: string, known: readonly string[]): string {
  const [near] = nearestNames(plain(word), known.map(plain), 1);
  const found = known.find((each) => plain(each) === near);
  return found === undefined ? '' : `; did you mean ${found}?`;
}

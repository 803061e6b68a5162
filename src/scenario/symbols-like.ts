import { STT_FUNC } from '../elf/index.ts';
import type { Image } from '../hypervisor/index.ts';
import type { Release } from '../xen/index.ts';

/** Most names that are given. */
const MOST = 3;

/**
 * Functions that were probably meant, by the names that the hypervisor looks them up by: static ones of the same name first, then names that
 * differ in one letter or contain the one that was given.
 */
export function symbolsLike(name: string, image: Image, release: Release): string[] {
  const symbols = image.symbolsFor(release);
  const plain = name.replace(/^.*#/s, '');
  const ranks: string[][] = [[], [], []];
  const { symbols: linked } = image.elf;
  for (let i = 1; i < linked.count; i++) {
    if (linked.type(i) !== STT_FUNC) continue;
    const other = linked.name(i);
    const rank =
      other === plain ? 0 : oneLetterApart(other, plain) ? 1 : plain.length > 2 && other.includes(plain) ? 2 : 3;
    const found = rank === 3 ? undefined : symbols.at(linked.value(i));
    if (found !== undefined && found.at === 0) ranks[rank]?.push(found.name);
  }
  return [...new Set(ranks.flat())].slice(0, MOST);
}

/** Is one the other with a letter more, less or changed? */
function oneLetterApart(a: string, b: string): boolean {
  const [long, short] = a.length >= b.length ? [a, b] : [b, a];
  if (long.length - short.length > 1 || short.length < 3) return false;
  let start = 0;
  while (start < short.length && long[start] === short[start]) start++;
  return long.slice(start + 1) === short.slice(long.length > short.length ? start : start + 1);
}

/** Most differences at which a word still counts as misspelt. */
const FARTHEST = 2;

/** Longer words are nobody's slip of the pen, and take time to compare. */
const LONGEST = 32;

/** Insertions, deletions, changes and swaps of neighbours that make one word out of another. */
function difference(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const [above, before] = [rows[i - 1] as number[], rows[i - 2]];
      const change = (above[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min((above[j] as number) + 1, (row[j - 1] as number) + 1, change);
      if (before !== undefined && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, (before[j - 2] as number) + 1);
      }
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length]?.[b.length] ?? Number.POSITIVE_INFINITY;
}

/** The word that was probably meant, or `undefined`. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (word.length > LONGEST) return undefined;
  const lower = word.toLowerCase().replaceAll('-', '_');
  let best: string | undefined;
  let least = Math.min(FARTHEST, Math.max(1, word.length - 2)) + 1;
  for (const candidate of known) {
    const far = difference(lower, candidate.toLowerCase());
    if (far < least) [best, least] = [candidate, far];
  }
  return best;
}

/** `; did you mean get?`, or nothing. */
export function meant(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return near === undefined ? '' : `; did you mean ${near}?`;
}

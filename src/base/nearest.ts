/** Maximum edit distance of a useful suggestion. */
const FARTHEST = 3;

/** Longer names are not compared. */
const LONGEST = 128;

/** Returns the edit distance: letters to add, remove, change or swap with the next. At most {@link FARTHEST} + 1. */
function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > FARTHEST) return FARTHEST + 1;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  let before = row;
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, (before[j - 2] as number) + 1);
      next.push(cost);
      if (cost < least) least = cost;
    }
    if (least > FARTHEST) return FARTHEST + 1;
    before = row;
    row = next;
  }
  return row[b.length] as number;
}

/** Returns the candidates closest to a misspelt name, nearest first; empty if none is close. */
export function nearestNames(name: string, candidates: Iterable<string>, most = 3): string[] {
  if (name.length > LONGEST) return [];
  const allowed = Math.min(FARTHEST, Math.ceil(name.length / 3));
  const found = new Map<string, number>();
  for (const candidate of candidates) {
    if (candidate.length > LONGEST || found.has(candidate)) continue;
    // The user may omit the file of a static function.
    const bare = candidate.slice(candidate.indexOf('#') + 1);
    const distance = Math.min(editDistance(name, candidate), editDistance(name, bare));
    if (distance <= allowed) found.set(candidate, distance);
  }
  return [...found]
    .sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1))
    .slice(0, most)
    .map(([candidate]) => candidate);
}

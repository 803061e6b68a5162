import { diffArrays } from 'diff';

/** Maximum edits for a line-by-line comparison, whose time grows with their square. */
const EDITS_MAX = 3000;

/** Returns, for each line of `after`, its index in `before`; -1 for an added one. */
export function lineOrigins(before: readonly string[], after: readonly string[]): Int32Array {
  const origins = new Int32Array(after.length).fill(-1);
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  for (let i = 0; i < start; i++) origins[i] = i;
  let end = 0;
  const limit = Math.min(before.length, after.length) - start;
  while (end < limit && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  for (let i = 1; i <= end; i++) origins[after.length - i] = before.length - i;
  const [old, made] = [before.slice(start, before.length - end), after.slice(start, after.length - end)];
  if (old.length === 0 || made.length === 0) return origins;
  // Beyond the limit, every line between the common start and end counts as added.
  const changes = diffArrays(old, made, { maxEditLength: EDITS_MAX }) ?? [];
  let [from, to] = [start, start];
  for (const { added, removed, count } of changes) {
    if (!added && !removed) for (let i = 0; i < count; i++) origins[to + i] = from + i;
    if (!added) from += count;
    if (!removed) to += count;
  }
  return origins;
}

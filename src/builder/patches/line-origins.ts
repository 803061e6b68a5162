import { diffArrays } from 'diff';

/** Lines added and removed beyond which two versions of a file are not compared line by line: the time grows with its square. */
const EDITS_MAX = 3000;

/** For each line of `after`, the index of the line of `before` that it is; -1 for one that was added. */
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
  // Where it gives up, the lines between the common start and the common end all count as added.
  const changes = diffArrays(old, made, { maxEditLength: EDITS_MAX }) ?? [];
  let [from, to] = [start, start];
  for (const { added, removed, count } of changes) {
    if (!added && !removed) for (let i = 0; i < count; i++) origins[to + i] = from + i;
    if (!added) from += count;
    if (!removed) to += count;
  }
  return origins;
}

/**
 * Returns the last of `items`, sorted by `keyOf`, whose key is at most `key`; `undefined` if there is none. Rules use it instead of linear
 * searches, because a payload of 2 MiB has tens of thousands of everything.
 */
export function lastUpTo<T, K extends number | bigint>(
  items: readonly T[],
  key: K,
  keyOf: (item: T) => K,
): T | undefined {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keyOf(items[middle] as T) <= key) low = middle + 1;
    else high = middle;
  }
  return items[low - 1];
}

/** Returns those of `items`, sorted by `keyOf`, whose key is in `[from, to)`. */
export function* within<T>(items: readonly T[], from: number, to: number, keyOf: (item: T) => number): Generator<T> {
  let low = 0;
  for (let high = items.length; low < high; ) {
    const middle = (low + high) >>> 1;
    if (keyOf(items[middle] as T) < from) low = middle + 1;
    else high = middle;
  }
  for (let i = low; i < items.length && keyOf(items[i] as T) < to; i++) yield items[i] as T;
}

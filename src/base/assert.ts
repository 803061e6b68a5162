/** Thrown for a bug in xsplice itself. Bad input never ends here: it is a {@link Finding}. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Asserts an invariant; a false condition is a bug of ours. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Returns the value, which the surrounding code guarantees to exist. */
export function ensure<T>(value: T | undefined | null, message: string): T {
  if (value === undefined || value === null) throw new AssertionError(message);
  return value;
}

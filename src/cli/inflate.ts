import type { Inflate } from '../dwarf/index.ts';

/** {@link Inflate} by Node's own zlib, which is loaded when it is needed. */
export const inflate: Inflate = (data, maxSize) => {
  try {
    return process.getBuiltinModule('node:zlib').inflateSync(data, { maxOutputLength: Math.max(1, maxSize) });
  } catch {
    // Damaged, cut off, or too large: that is data to the caller.
    return undefined;
  }
};

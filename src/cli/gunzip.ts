import { gunzipSync } from 'node:zlib';
import type { Gunzip } from '../xen/index.ts';

/** {@link Gunzip} by Node's own zlib. */
export const gunzip: Gunzip = (data, maxSize) => {
  try {
    return gunzipSync(data, { maxOutputLength: maxSize });
  } catch {
    // Damaged, cut off, or too large: that is data to the caller.
    return undefined;
  }
};

import type { Gunzip } from '../xen/index.ts';

/** {@link Gunzip} by Node's own zlib, which is loaded when it is needed: that takes as long as opening an image. */
export const gunzip: Gunzip = (data, maxSize) => {
  try {
    return process.getBuiltinModule('node:zlib').gunzipSync(data, { maxOutputLength: maxSize });
  } catch {
    // Damaged, cut off, or too large: that is data to the caller.
    return undefined;
  }
};

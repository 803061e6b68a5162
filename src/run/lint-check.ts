import type { CheckReport } from '../documents/index.ts';
import type { PayloadInput } from '../payload/index.ts';
import { checkSlice, type LintCheckOptions } from './check-slice.ts';

/** As {@link checkPayloads}, and then lint: {@link checkSlice} of all payloads as a document, without the code of findings. */
export const checkAndLint = async (
  image: Uint8Array,
  payloads: readonly PayloadInput[],
  options: LintCheckOptions,
): Promise<CheckReport> => ({
  format: 'xsplice-check/1',
  payloads: (await checkSlice(image, payloads, options)).payloads,
});

import { checkSlice, type LintCheckOptions } from './check-slice.ts';
import type { CheckReport } from './documents.ts';
import type { PayloadFile } from './options.ts';

/** As {@link checkPayloads}, and then lint: {@link checkSlice} of all payloads as a document, without the code of findings. */
export const checkAndLint = async (
  image: Uint8Array,
  payloads: readonly PayloadFile[],
  options: LintCheckOptions,
): Promise<CheckReport> => ({
  format: 'xsplice-check/1',
  payloads: (await checkSlice(image, payloads, options)).payloads,
});

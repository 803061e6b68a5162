import type { Disassembler } from '../arch/index.ts';
import { XspliceError } from '../base/index.ts';
import type { CheckedPayload } from '../documents/index.ts';
import type { CheckSlice } from '../run/index.ts';

let loading: Promise<Disassembler> | undefined;

/** The disassembler, loaded once, when something is to be taken apart. Rejects with an XspliceError (ETOOL) where its package is not installed. */
export async function loadDisassembler(): Promise<Disassembler> {
  try {
    loading ??= import('../disassembler/index.ts').then(({ loadCapstone }) => loadCapstone());
    return await loading;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
    const hint = 'xsplice needs its npm package @alexaltea/capstone-js for this: install xsplice anew';
    throw new XspliceError('ETOOL', `the disassembler cannot be loaded: ${reason}`, hint);
  }
}

/** What was checked, with the code that its findings are about: as bytes only where the disassembler is missing. */
export async function codeOf(slice: CheckSlice): Promise<readonly CheckedPayload[]> {
  if (!slice.showsCode) return slice.withCode(null);
  try {
    return slice.withCode(await loadDisassembler());
  } catch (error) {
    if (!(error instanceof XspliceError)) throw error;
    return slice.withCode(null);
  }
}

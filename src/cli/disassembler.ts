import type { Disassembler } from '../arch/index.ts';
import { XspliceError } from '../base/index.ts';
import type { CheckedPayload } from '../documents/index.ts';
import type { CheckSlice } from '../run/index.ts';

let loading: Promise<Disassembler> | undefined;

/** Loads the disassembler on first use. Rejects with an XspliceError (ETOOL) if its package is not installed. */
export async function loadDisassembler(): Promise<Disassembler> {
  try {
    loading ??= import('../disassembler/index.ts').then(({ loadCapstone }) => loadCapstone());
    return await loading;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
    const hint = 'reinstall xsplice with its npm package @alexaltea/capstone-js';
    throw new XspliceError('ETOOL', `cannot load the disassembler: ${reason}`, hint);
  }
}

/** Adds the code that findings point at to the checked payloads; bytes only if the disassembler is missing. */
export async function codeOf(slice: CheckSlice): Promise<readonly CheckedPayload[]> {
  if (!slice.showsCode) return slice.withCode(null);
  try {
    return slice.withCode(await loadDisassembler());
  } catch (error) {
    if (!(error instanceof XspliceError)) throw error;
    return slice.withCode(null);
  }
}

import type { Disassembler } from '../arch/index.ts';
import { XspliceError } from '../base/index.ts';
import type { Ports, ProcessorOptions } from '../run/index.ts';
import { gunzip } from './gunzip.ts';
import { inflate } from './inflate.ts';

let loading: Promise<Disassembler> | undefined;

async function loadDisassembler(): Promise<Disassembler> {
  try {
    loading ??= import('../disassembler/index.ts').then(({ loadCapstone }) => loadCapstone());
    return await loading;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
    const hint = 'reinstall xsplice: this needs its npm package @alexaltea/capstone-js';
    throw new XspliceError('ETOOL', `cannot load the disassembler: ${reason}`, hint);
  }
}

async function loadProcessor(): Promise<ProcessorOptions> {
  try {
    const { loadEmulator } = await import('../emulator/index.ts');
    return { openCpu: await loadEmulator() };
  } catch (error) {
    if (!(error instanceof XspliceError)) throw error;
    return { noCpu: { message: error.message, hint: error.hint } };
  }
}

/** How the names of all hook sections begin. */
const HOOKS = Buffer.from('.livepatch.hooks.');

/** The ports of every command, each loaded when it is first needed. Nothing else in this room wires one. */
export const PORTS: Ports = {
  gunzip,
  inflate,
  loadDisassembler,
  loadProcessor,
  processorFor: async (payloads) => {
    const haveHooks = payloads.some(({ bytes }) =>
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(HOOKS),
    );
    return haveHooks ? await loadProcessor() : {};
  },
};

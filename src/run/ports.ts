import type { Disassembler } from '../arch/index.ts';
import type { Inflate } from '../dwarf/index.ts';
import type { PayloadInput } from '../payload/index.ts';
import type { Gunzip } from '../xen/index.ts';
import type { SimulationOptions } from './options.ts';

/** A processor, or the reason why there is none. */
export type ProcessorOptions = Pick<SimulationOptions, 'openCpu' | 'noCpu'>;

/** The effects that the pure rooms need. A program makes one such value and hands it on. */
export interface Ports {
  /** Decompresses the configuration in an image. */
  readonly gunzip: Gunzip;
  /** Decompresses debug sections. */
  readonly inflate: Inflate;
  /** Loads the disassembler. Rejects with an XspliceError (ETOOL) if its package is not installed. */
  readonly loadDisassembler: () => Promise<Disassembler>;
  /** Loads the processor, which runs hooks and calls. */
  readonly loadProcessor: () => Promise<ProcessorOptions>;
  /** Loads the processor if one of the payloads has hooks to run: it takes time to load. */
  readonly processorFor: (payloads: readonly PayloadInput[]) => Promise<ProcessorOptions>;
}
